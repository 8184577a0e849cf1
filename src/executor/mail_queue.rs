//! Where mails wait after their commits: bounded, so that no visitor waits for a mail server.

use idflow_core::effect::Mail;
use tokio::sync::mpsc;

/// How many mails may wait. When more come, the newest is dropped: the page offers "send again".
const WAITING: usize = 1024;

/// The queue's entrance.
#[derive(Debug, Clone)]
pub struct Mails(mpsc::Sender<Mail>);

/// The queue's end, for [`crate::mails::deliver`].
pub type Waiting = mpsc::Receiver<Mail>;

impl Mails {
    /// An empty queue.
    pub fn queue() -> (Self, Waiting) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), receiver)
    }

    /// Queues a mail without waiting. A mail is an effect of class at most once: it is never queued again.
    pub fn send(&self, mail: Mail) {
        if self.0.try_send(mail).is_err() {
            tracing::error!("the mail queue is full; the visitor has to ask again");
        }
    }
}

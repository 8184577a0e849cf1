//! A tenant in a real control plane: our definitions, the operator, the manifests of `tenant.yaml`, and the executor
//! that the operator asked for, run by the stand-in for the kubelet.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::browser::Browser;
use crate::cluster::Cluster;
use crate::helm::{Helm, NAMESPACE};
use crate::kubelet::Kubelet;
use crate::oidc::RelyingParty;
use crate::person::Person;
use crate::process::{Process, free_port};
use crate::service::Service;
use crate::smtp::MailServer;
use crate::wait;

const MANIFESTS: &str = include_str!("tenant.yaml");

/// What the manifests of a tenant come to, on the slowest machine we care for.
pub const SETTLED: Duration = Duration::from_secs(90);

/// The password of every person in these tests.
pub const PASSWORD: &str = "correct horse battery staple 1";

/// The manifests of `tenant.yaml` with names and ports filled in.
pub fn manifests(namespace: &str, issuer: &str, mail: u16, service: u16) -> String {
    filled_in(MANIFESTS, namespace, issuer, mail, service)
}

fn filled_in(manifests: &str, namespace: &str, issuer: &str, mail: u16, service: u16) -> String {
    manifests
        .replace("NAMESPACE", namespace)
        .replace("ISSUER", issuer)
        .replace("MAIL_PORT", &mail.to_string())
        .replace("SERVICE_PORT", &service.to_string())
}

/// The operator's account, as the chart makes it.
const ACCOUNT: &str = "idflow-operator";

/// Installs the charts, once per control plane.
pub fn install(cluster: &Cluster) {
    cluster.installed.get_or_init(|| {
        let helm = Helm::found("every test that installs").expect("helm");
        // Client-side apply: its annotation is what limits the size of a definition.
        let definitions = helm.render("idflow-crds", &[]).expect("helm template");
        install_definitions(cluster, &definitions);
        let operator = helm.render("idflow", &[]).expect("helm template");
        let _there_already = cluster.kubectl(&["create", "namespace", NAMESPACE]);
        cluster.kubectl_with(&["apply", "-f", "-"], &operator).expect("kubectl apply of the chart");
    });
}

/// Installs definitions.
pub fn install_definitions(cluster: &Cluster, definitions: &str) {
    cluster.kubectl_with(&["apply", "-f", "-"], definitions).expect("kubectl apply of the definitions");
    let wait = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"];
    cluster.kubectl(&wait).expect("established definitions");
}

/// Starts an operator with nothing but the rights that the chart gives it.
pub fn start_operator(cluster: &Cluster, program: &str) -> Process {
    let access = cluster.kubeconfig_for(NAMESPACE, ACCOUNT);
    run_operator(program, &access, &["--service-account", ACCOUNT])
}

/// Starts an operator that may do everything: one of another version, whose chart is not installed.
pub fn start_operator_as_admin(cluster: &Cluster, program: &str) -> Process {
    // Where its lease is; another operator may have made it.
    let _there_already = cluster.kubectl(&["create", "namespace", NAMESPACE]);
    run_operator(program, &cluster.kubeconfig(), &[])
}

fn run_operator(program: &str, access: &Path, more: &[&str]) -> Process {
    let mut command = Command::new(program);
    command.args(["operator", "--namespace", NAMESPACE, "--listen", &format!("127.0.0.1:{}", free_port())]);
    command.args(more).env("KUBECONFIG", access);
    Process::start("idflow operator", command)
}

/// One tenant and everything around it.
pub struct World {
    /// The manifests, without names and ports.
    template: String,
    pub cluster: &'static Cluster,
    pub namespace: String,
    pub issuer: String,
    pub mail: MailServer,
    pub service: Service,
    pub kubelet: Kubelet,
}

impl World {
    /// Applies the manifests in a namespace of their own, once the definitions are installed; nothing is Ready yet.
    pub fn start(cluster: &'static Cluster, program: &str, prefix: &str) -> Self {
        Self::start_of(MANIFESTS.to_owned(), cluster, program, prefix)
    }

    /// The same of other manifests: those of another version, in its words.
    pub fn start_of(template: String, cluster: &'static Cluster, program: &str, prefix: &str) -> Self {
        let namespace = cluster.namespace(prefix);
        let world = Self {
            template,
            cluster,
            issuer: format!("http://127.0.0.1:{}", free_port()),
            mail: MailServer::start(),
            service: Service::start(),
            kubelet: Kubelet::start(cluster, &namespace, program),
            namespace,
        };
        world.apply(&world.manifests());
        world
    }

    /// The manifests with this world's names and ports.
    pub fn manifests(&self) -> String {
        filled_in(&self.template, &self.namespace, &self.issuer, self.mail.port, self.service.port)
    }

    /// The document of one object among the manifests.
    pub fn manifest_of(&self, kind: &str, name: &str) -> String {
        let manifests = self.manifests();
        let is_it = |text: &&str| {
            text.contains(&format!("kind: {kind}\n"))
                && text.contains(&format!("metadata: {{ name: {name} }}"))
        };
        manifests.split("---\n").find(is_it).unwrap_or_else(|| panic!("no {kind} {name}")).to_owned()
    }

    /// `kubectl apply` that must be accepted.
    pub fn apply(&self, manifest: &str) {
        self.cluster.apply(&self.namespace, manifest).expect("kubectl apply");
    }

    /// Waits until every object of the tenant's kinds is Ready.
    pub fn wait_until_ready(&self) {
        for object in [
            format!("tenant/{}", self.namespace),
            "directory/people".into(),
            "connection/mail".into(),
            "oidcclient/app".into(),
            "flow/sign-in".into(),
            "flow/sign-up".into(),
        ] {
            self.wait_for(&object, "Ready", "True");
        }
    }

    /// Waits until a condition of an object has this status at the object's current generation; returns the object.
    pub fn wait_for(&self, object: &str, condition: &str, status: &str) -> Value {
        wait::until(SETTLED, &format!("{object}: {condition}={status}"), || {
            let found = self.cluster.get(&self.namespace, object);
            let current = condition_of(&found, condition);
            let is_current = current["observedGeneration"] == found["metadata"]["generation"];
            if current["status"] == status && is_current {
                Ok(found)
            } else {
                Err(found["status"].to_string())
            }
        })
    }

    /// Names of the flow's revisions, sorted.
    pub fn revisions(&self, flow: &str) -> Vec<String> {
        let items = self.cluster.list(&self.namespace, "flowrevisions");
        let own = items.iter().filter(|item| item["spec"]["flow"] == flow);
        let mut names: Vec<String> =
            own.filter_map(|item| item["metadata"]["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    }

    /// The client of the manifests.
    pub fn relying_party(&self) -> RelyingParty {
        RelyingParty {
            issuer: self.issuer.clone(),
            client: "app".to_owned(),
            redirect: "http://127.0.0.1:9/callback".to_owned(),
        }
    }

    /// A browser whose requests for the issuer reach the tenant's only pod, as an Ingress would do it.
    pub fn browser(&self) -> Browser {
        let pods = self.cluster.list(&self.namespace, "pods");
        let pod = pods.first().and_then(|pod| pod["metadata"]["name"].as_str()).expect("an executor pod");
        let mut browser = self.relying_party().browser();
        let host = self.issuer.trim_start_matches("http://");
        browser.client.route(host, &self.kubelet.authority(pod));
        browser
    }

    /// A person who reads mail here.
    pub fn person(&self, address: &str) -> Person<'_> {
        let mut seen = 0;
        let own = address.to_owned();
        Person {
            address: address.to_owned(),
            password: PASSWORD.to_owned(),
            code: Box::new(move || {
                seen += 1;
                self.mail.code_for(&own, seen - 1)
            }),
        }
    }

    /// Signs a new person up, to the tokens; returns the browser, which is signed in then.
    pub fn sign_up(&self, address: &str) -> Browser {
        let (client, mut browser) = (self.relying_party(), self.browser());
        let url = format!("{}&prompt=create", client.authorize_url("sign-up"));
        let arrival = browser.open(&url).expect("the sign-up");
        let callback = self.person(address).walk(&mut browser, arrival).expect("the sign-up");
        client.tokens(&mut browser, &callback);
        browser
    }

    /// Signs somebody in with a fresh browser and returns the tokens.
    pub fn sign_in(&self, address: &str) -> Value {
        let (client, mut browser) = (self.relying_party(), self.browser());
        let arrival = client.begin(&mut browser, "sign-in").expect("the sign-in");
        let callback = self.person(address).walk(&mut browser, arrival).expect("the sign-in");
        client.tokens(&mut browser, &callback)
    }
}

/// A condition of an object by its type, or null.
pub fn condition_of<'a>(object: &'a Value, condition: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|one| one["type"] == condition).unwrap_or(&Value::Null)
}

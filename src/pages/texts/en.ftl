# The product's texts in English, which every other language falls back to.
# A text may use { $product }, the name of what visitors sign in to, besides the variables shown in it.

language-name = English
language-switch = Language
page-title = { $title } – { $product }
page-title-error = Error: { $title } – { $product }
progress = Step { $step } of { $of }
identity-label = Account:
error-summary = There is a problem
field-optional = (optional)
password-show = Show
password-hide = Hide
password-show-label = Show password
password-hide-label = Hide password
link-terms = Terms of use
link-privacy = Privacy
support = Need help? Write to
reference = Reference: { $reference }
development-label = Development server
development-note = This is a development server.
development-mails = Read its mails

## Buttons

action-next = Continue
action-continue = Continue
action-submit = Continue
action-back = Back
action-cancel = Cancel
action-resend = Send a new code
action-start-again = Start again
action-back-to = Back to { $application }
action-try-again = Try again
action-try-another-way = Try another way
action-sign-in = Sign in
action-sign-out = Sign out
action-sign-up = Create an account
action-register = Create an account
action-forgot = Forgot your password?
action-forgot-password = Forgot your password?
action-reset = Forgot your password?
action-reset-password = Forgot your password?
action-skip = Not now
action-accept = Accept
action-decline = Decline
action-close = Close

## Fields

field-username = Username
field-identifier = Username or e-mail address
field-email = E-mail address
field-password = Password
field-newPassword = New password
field-currentPassword = Current password
field-code = Code
field-name = Full name
field-givenName = First name
field-familyName = Last name
field-phone = Phone number
field-birthdate = Date of birth
field-company = Company
field-choice = Your choice
field-accept = I agree

## What is wrong with an entry

error-required = Enter a value.
error-required-choice = Choose one of these.
error-required-tick = Tick this box to continue.
error-invalid = Check this entry.
error-email = Enter an e-mail address such as name@example.com.
error-phone = Enter a phone number with its country code, such as +44 20 7946 0000.
error-date = Enter a date.
error-integer = Enter a whole number.
error-choice = Choose one of these.
error-pattern = Enter this in the form that is asked for.
error-too-long = { $maximum ->
    [one] Enter at most one character.
   *[other] Enter at most { $maximum } characters.
}
error-too-short = { $minimum ->
    [one] Enter at least one character.
   *[other] Enter at least { $minimum } characters.
}
error-too-small = Enter { $minimum } or more.
error-too-large = Enter { $maximum } or less.
error-taken = This is already in use.
error-credentials = This does not match. Check what you entered and try again.
error-credentials-email = This does not match. Check the e-mail address and the password, and try again.
error-credentials-username = This does not match. Check the username and the password, and try again.
error-credentials-identifier = This does not match. Check the username or e-mail address and the password, and try again.
error-password-wait = There were too many wrong passwords. { $minutes ->
    [one] Try again in a minute, or go another way.
   *[other] Try again in { $minutes } minutes, or go another way.
}
error-password-closed = There were too many wrong passwords. Go another way, or choose a new password.
error-unknown-user = We could not find this account. Check what you entered.
error-user-not-found = We could not find this account. Check what you entered.
error-code = The code is not right. Check it and try again.
error-code-wrong = The code is not right. Check it and try again.
error-code-format = Enter the code from the mail: digits only.
error-code-digits = Enter the { $digits } digits of the code from the mail.
error-code-void = There were too many wrong codes, so that the one we sent no longer works. Have a new one sent.
error-code-wait = There were too many wrong codes. { $minutes ->
    [one] Try again in a minute.
   *[other] Try again in { $minutes } minutes.
}
error-code-expired = This code has expired. Ask for a new one.
error-code-used = This code was used already. Ask for a new one.
error-locked = There were too many attempts. Try again later.
error-too-many-attempts = There were too many attempts. Try again later.
error-try-later = This is not possible right now. Try again later.
error-unavailable = This is not possible right now. Try again in a moment.
error-stale = This page was out of date. Here is the current one.
error-token = This page was out of date. Here is the current one.
error-action = This is not possible here. Choose one of the buttons.

## A new password

weakness-too-short = { $minimum ->
    [one] Use at least one character.
   *[other] Use at least { $minimum } characters.
}
weakness-too-long = This password is too long: at most { $maximum } bytes can be used.
weakness-common = This is one of the commonest passwords. Choose another one.
weakness-repetitive = This password repeats itself, or follows the keyboard or the alphabet. Choose another one.
weakness-personal = This password contains your name, your e-mail address or another detail of yours. Choose another one.

## Steps

form-title = Your details
form-lead = Fill in what is asked for below.
form-submit = Continue
message-title = Please note
message-submit = Continue
choose-title = Choose how to continue
choose-lead = Each of these proves that it is you.
choose-submit = Continue
method-password = Password
method-passkey = Passkey
method-totp = Code from an authenticator app
method-one-time-code = Code by mail
method-magic-link = Link by mail
method-recovery-code = Recovery code
method-federate = Another account of yours
method-create-user = Create an account
method-set-password = A new password
method-session = The account you are signed in with
consent-title = { $product } asks for your consent
consent-submit = Allow
password-title = Sign in
password-lead = Enter your password.
password-submit = Sign in
set-password-title = Choose a password
set-password-lead = You will sign in with it from now on.
set-password-hint = A few words that do not belong together make a good password.
set-password-submit = Save password
find-user-title = Find your account
find-user-lead = Enter the name or the address you sign in with.
find-user-submit = Continue
create-user-title = Create your account
create-user-submit = Create account
one-time-code-title = Check your mail
one-time-code-lead = We sent a code to { $address }. It can take a minute to arrive.
one-time-code-sent = We sent a { $digits }-digit code to { $address }. It can take a minute to arrive.
one-time-code-none = We have no code for you to enter yet. It will go to { $address }.
one-time-code-submit = Confirm
code-sent = We sent you a code.
code-sent-again = We sent you a new code. The ones before no longer work.
code-too-many-mails = Many codes were sent lately, so that we send no further one for now. { $minutes ->
    [one] Try again in a minute.
   *[other] Try again in { $minutes } minutes.
}
code-not-sent = The code could not be sent. Ask for a new one.
complete-title = All done
complete-lead = You can close this page.
fail-title = This did not work
fail-lead = This could not be completed. You can close this page or start again.
locked-title = This account is locked
locked-lead = Contact the people who run { $product } to unlock it.

## What happened

info-back = You went back one step.
info-stale = This page was out of date. Here is the current one.
info-already-done = That step is already done.
info-expires = { $minutes ->
    [one] You have one minute left on this page.
   *[other] You have { $minutes } minutes left on this page.
}

## Mails

mail-account-deleted-subject = Your account was deleted
mail-account-deleted-body = Your account at { $product } was deleted just now. Nobody can sign in to it any more.
mail-account-deleted-ignore = If it was not you who did that, get in touch with us at once.
mail-address-changed-subject = The e-mail address of your account was changed
mail-address-changed-body = The e-mail address of your account at { $product } was changed just now. From now on mails go to the new address.
mail-address-changed-ignore = If it was not you who did that, get in touch with us at once.
mail-code-subject = Your code for { $product }
mail-code-body = Enter this code on the page that asked for it:
mail-code-lifetime = { $minutes ->
    [one] It works for one minute.
   *[other] It works for { $minutes } minutes.
}
mail-code-ignore = If you did not ask for this code, ignore this mail. Never tell the code to anybody: we will not ask you for it.
mail-password-changed-subject = Your password for { $product } was changed
mail-password-changed-body = The password of your account was changed. If that was not you, reset it now and write to the people who run { $product }.
mail-account-exists-subject = You already have an account at { $product }
mail-account-exists-body = Somebody, probably you, tried to create an account with this address. You already have one: sign in, or reset your password if you forgot it.

## Signing out

end-sessions-title = Do you want to sign out?
end-sessions-another = Another account has been signed in here meanwhile.
end-sessions-lead = You will be signed out here. Some applications remember your sign-in by themselves: sign out of them too.

## Pages outside a step

onward-title = One moment
onward-lead = You are being taken back to the application. If nothing happens, continue here.
notice-expired-title = This took too long
notice-expired-lead = For your safety we ended this attempt. Please start again.
notice-start-again-title = Please start again
notice-start-again-lead = Something changed in the meantime, so that we cannot go on from here.
notice-another-browser-title = Please start again in this browser
notice-another-browser-lead = This page belongs to another browser, was finished long ago, or was forgotten because many others were opened since. Go back to the application that you came from, or start again here.
notice-no-cookies-title = Your browser sent no cookie
notice-no-cookies-lead = We need cookies to recognize your browser from one page to the next. Allow cookies for this site in your browser's settings, then start again. If you began in another browser, go on there.
notice-application-gone-title = The application cannot be reached
notice-application-gone-lead = The application you came from is no longer allowed to sign people in here. Ask whoever runs it.
notice-cancelled-title = You cancelled this
notice-cancelled-lead = You can close this page, or start again when you like.
notice-already-done-title = This step is done
notice-already-done-lead = You have completed this already. Go on where you are now.
notice-signed-in-title = You are signed in
notice-signed-in-lead = You can close this page.
notice-not-signed-in-title = You are not signed in
notice-not-signed-in-lead = Applications send you here when you sign in to them.
notice-signed-out-title = You are signed out
notice-signed-out-lead = You can close this page. If others use this device too, also sign out of the applications that you have used.
notice-not-found-title = There is no such page
notice-not-found-lead = The address may be mistyped, or the page is gone.
notice-bad-request-title = This link does not work
notice-bad-request-lead = The application you came from sent us something we cannot use. Go back to it and try again.
notice-refused-title = We did not accept this
notice-refused-lead = The request did not come from our own page. Please start again.
notice-another-name-title = This site is at another address
notice-another-name-lead = You came by a name that this site is also reached at, but signing in works only at its own. Go on there and start again.
notice-method-not-allowed-title = This is not possible here
notice-method-not-allowed-lead = Go back and use the buttons of the page.
notice-too-large-title = That was too much
notice-too-large-lead = More was sent than we can read. Go back and enter less.
notice-too-many-cookies-title = Your browser sends too many cookies
notice-too-many-cookies-lead = Applications of this site and its neighbours have left more cookies in your browser than we can read. Delete the cookies of this site in your browser's settings, then open the page again.
notice-too-many-requests-title = Too many attempts
notice-too-many-requests-lead = Please wait a moment, then try again.
notice-unavailable-title = Not possible right now
notice-unavailable-lead = We are busy at the moment. Nothing is lost: try again in a few seconds.
notice-journey-too-large-title = That has become too much
notice-journey-too-large-lead = More was entered on the way than we can keep. Start again and enter less.
notice-failed-title = Something went wrong
notice-failed-lead = This is our fault, not yours. Start again; if it happens again, ask for help.
notice-repeated = We already had this answer. Here is where you are now.

# Die Texte des Produkts auf Deutsch. Dieselben Schlüssel und Variablen wie en.ftl.

language-name = Deutsch
language-switch = Sprache
page-title = { $title } – { $product }
page-title-error = Fehler: { $title } – { $product }
progress = Schritt { $step } von { $of }
identity-label = Konto:
error-summary = Da stimmt etwas nicht
field-optional = (freiwillig)
password-show = Anzeigen
password-hide = Verbergen
password-show-label = Passwort anzeigen
password-hide-label = Passwort verbergen
link-terms = Nutzungsbedingungen
link-privacy = Datenschutz
support = Brauchen Sie Hilfe? Schreiben Sie an
reference = Kennung: { $reference }
development-label = Entwicklungsserver
development-note = Dies ist ein Entwicklungsserver.
development-mails = Seine E-Mails lesen

## Schaltflächen

action-next = Weiter
action-continue = Weiter
action-submit = Weiter
action-back = Zurück
action-cancel = Abbrechen
action-resend = Neuen Code senden
action-start-again = Neu beginnen
action-back-to = Zurück zu { $application }
action-try-again = Noch einmal versuchen
action-try-another-way = Anders bestätigen
action-sign-in = Anmelden
action-sign-out = Abmelden
action-sign-up = Konto anlegen
action-register = Konto anlegen
action-forgot = Passwort vergessen?
action-forgot-password = Passwort vergessen?
action-reset = Passwort vergessen?
action-reset-password = Passwort vergessen?
action-skip = Jetzt nicht
action-accept = Annehmen
action-decline = Ablehnen
action-close = Schließen

## Felder

field-username = Benutzername
field-identifier = Benutzername oder E-Mail-Adresse
field-email = E-Mail-Adresse
field-password = Passwort
field-newPassword = Neues Passwort
field-currentPassword = Bisheriges Passwort
field-code = Code
field-name = Vollständiger Name
field-givenName = Vorname
field-familyName = Nachname
field-phone = Telefonnummer
field-birthdate = Geburtsdatum
field-company = Firma
field-choice = Ihre Wahl
field-accept = Ich stimme zu

## Was an einer Eingabe nicht stimmt

error-required = Geben Sie hier etwas ein.
error-required-choice = Wählen Sie etwas aus.
error-required-tick = Setzen Sie den Haken, um fortzufahren.
error-invalid = Prüfen Sie diese Eingabe.
error-email = Geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.com.
error-phone = Geben Sie eine Telefonnummer mit Landesvorwahl ein, zum Beispiel +49 30 123456.
error-date = Geben Sie ein Datum ein.
error-integer = Geben Sie eine ganze Zahl ein.
error-choice = Wählen Sie etwas aus.
error-pattern = Geben Sie dies in der verlangten Form ein.
error-too-long = { $maximum ->
    [one] Geben Sie höchstens ein Zeichen ein.
   *[other] Geben Sie höchstens { $maximum } Zeichen ein.
}
error-too-short = { $minimum ->
    [one] Geben Sie mindestens ein Zeichen ein.
   *[other] Geben Sie mindestens { $minimum } Zeichen ein.
}
error-too-small = Geben Sie { $minimum } oder mehr ein.
error-too-large = Geben Sie { $maximum } oder weniger ein.
error-taken = Dies ist schon vergeben.
error-credentials = Das passt nicht zusammen. Prüfen Sie Ihre Angaben und versuchen Sie es noch einmal.
error-credentials-email = Das passt nicht zusammen. Prüfen Sie die E-Mail-Adresse und das Passwort, und versuchen Sie es noch einmal.
error-credentials-username = Das passt nicht zusammen. Prüfen Sie den Benutzernamen und das Passwort, und versuchen Sie es noch einmal.
error-credentials-identifier = Das passt nicht zusammen. Prüfen Sie Benutzernamen oder E-Mail-Adresse und das Passwort, und versuchen Sie es noch einmal.
error-password-wait = Das waren zu viele falsche Passwörter. { $minutes ->
    [one] Versuchen Sie es in einer Minute noch einmal, oder nehmen Sie einen anderen Weg.
   *[other] Versuchen Sie es in { $minutes } Minuten noch einmal, oder nehmen Sie einen anderen Weg.
}
error-password-closed = Das waren zu viele falsche Passwörter. Nehmen Sie einen anderen Weg, oder wählen Sie ein neues Passwort.
error-unknown-user = Wir haben dieses Konto nicht gefunden. Prüfen Sie Ihre Eingabe.
error-user-not-found = Wir haben dieses Konto nicht gefunden. Prüfen Sie Ihre Eingabe.
error-code = Der Code stimmt nicht. Prüfen Sie ihn und versuchen Sie es noch einmal.
error-code-wrong = Der Code stimmt nicht. Prüfen Sie ihn und versuchen Sie es noch einmal.
error-code-format = Geben Sie den Code aus der E-Mail ein: nur Ziffern.
error-code-digits = Geben Sie die { $digits } Ziffern des Codes aus der E-Mail ein.
error-code-void = Das waren zu viele falsche Codes, deshalb gilt der gesendete nicht mehr. Lassen Sie sich einen neuen senden.
error-code-wait = Das waren zu viele falsche Codes. { $minutes ->
    [one] Versuchen Sie es in einer Minute noch einmal.
   *[other] Versuchen Sie es in { $minutes } Minuten noch einmal.
}
error-code-expired = Dieser Code ist abgelaufen. Fordern Sie einen neuen an.
error-code-used = Dieser Code wurde schon verwendet. Fordern Sie einen neuen an.
error-locked = Das waren zu viele Versuche. Versuchen Sie es später noch einmal.
error-too-many-attempts = Das waren zu viele Versuche. Versuchen Sie es später noch einmal.
error-try-later = Das geht gerade nicht. Versuchen Sie es später noch einmal.
error-unavailable = Das geht gerade nicht. Versuchen Sie es gleich noch einmal.
error-stale = Diese Seite war veraltet. Hier ist die aktuelle.
error-token = Diese Seite war veraltet. Hier ist die aktuelle.
error-action = Das geht hier nicht. Wählen Sie eine der Schaltflächen.

## Ein neues Passwort

weakness-too-short = { $minimum ->
    [one] Verwenden Sie mindestens ein Zeichen.
   *[other] Verwenden Sie mindestens { $minimum } Zeichen.
}
weakness-too-long = Dieses Passwort ist zu lang: höchstens { $maximum } Bytes sind möglich.
weakness-common = Dies ist eines der häufigsten Passwörter. Wählen Sie ein anderes.
weakness-repetitive = Dieses Passwort wiederholt sich oder folgt der Tastatur oder dem Alphabet. Wählen Sie ein anderes.
weakness-personal = Dieses Passwort enthält Ihren Namen, Ihre E-Mail-Adresse oder eine andere Angabe von Ihnen. Wählen Sie ein anderes.

## Schritte

form-title = Ihre Angaben
form-lead = Füllen Sie bitte die Felder aus.
form-submit = Weiter
message-title = Bitte beachten
message-submit = Weiter
choose-title = Wie möchten Sie fortfahren?
choose-lead = Jeder dieser Wege belegt, dass Sie es sind.
choose-submit = Weiter
method-password = Passwort
method-passkey = Passkey
method-totp = Code aus einer Authenticator-App
method-one-time-code = Code per E-Mail
method-magic-link = Link per E-Mail
method-recovery-code = Wiederherstellungscode
method-federate = Ein anderes Ihrer Konten
method-create-user = Konto anlegen
method-set-password = Ein neues Passwort
method-session = Das Konto, mit dem Sie angemeldet sind
consent-title = { $product } bittet um Ihre Zustimmung
consent-submit = Erlauben
password-title = Anmelden
password-lead = Geben Sie Ihr Passwort ein.
password-submit = Anmelden
set-password-title = Passwort wählen
set-password-lead = Damit melden Sie sich künftig an.
set-password-hint = Einige Wörter, die nichts miteinander zu tun haben, sind ein gutes Passwort.
set-password-submit = Passwort speichern
find-user-title = Konto finden
find-user-lead = Geben Sie den Namen oder die Adresse ein, mit der Sie sich anmelden.
find-user-submit = Weiter
create-user-title = Konto anlegen
create-user-submit = Konto anlegen
one-time-code-title = Sehen Sie in Ihre E-Mails
one-time-code-lead = Wir haben einen Code an { $address } gesendet. Es kann eine Minute dauern, bis er ankommt.
one-time-code-sent = Wir haben einen { $digits }-stelligen Code an { $address } gesendet. Es kann eine Minute dauern, bis er ankommt.
one-time-code-none = Noch gibt es keinen Code, den Sie eingeben könnten. Er geht an { $address }.
one-time-code-submit = Bestätigen
code-sent = Wir haben Ihnen einen Code gesendet.
code-sent-again = Wir haben Ihnen einen neuen Code gesendet. Frühere gelten nicht mehr.
code-too-many-mails = Zuletzt gingen viele Codes hinaus, deshalb senden wir im Moment keinen weiteren. { $minutes ->
    [one] Versuchen Sie es in einer Minute noch einmal.
   *[other] Versuchen Sie es in { $minutes } Minuten noch einmal.
}
code-not-sent = Der Code konnte nicht gesendet werden. Fordern Sie einen neuen an.
complete-title = Fertig
complete-lead = Sie können diese Seite schließen.
fail-title = Das hat nicht geklappt
fail-lead = Das konnte nicht abgeschlossen werden. Sie können diese Seite schließen oder neu beginnen.
locked-title = Dieses Konto ist gesperrt
locked-lead = Wenden Sie sich an den Betreiber von { $product }, um es zu entsperren.

## Was geschehen ist

info-back = Sie sind einen Schritt zurückgegangen.
info-stale = Diese Seite war veraltet. Hier ist die aktuelle.
info-already-done = Dieser Schritt ist schon erledigt.
info-expires = { $minutes ->
    [one] Sie haben auf dieser Seite noch eine Minute Zeit.
   *[other] Sie haben auf dieser Seite noch { $minutes } Minuten Zeit.
}

## E-Mails

mail-account-deleted-subject = Ihr Konto wurde gelöscht
mail-account-deleted-body = Ihr Konto bei { $product } wurde soeben gelöscht. Niemand kann sich mehr damit anmelden.
mail-account-deleted-ignore = Wenn Sie das nicht waren, wenden Sie sich sofort an uns.
mail-address-changed-subject = Die E-Mail-Adresse Ihres Kontos wurde geändert
mail-address-changed-body = Die E-Mail-Adresse Ihres Kontos bei { $product } wurde soeben geändert. E-Mails gehen von jetzt an die neue Adresse.
mail-address-changed-ignore = Wenn Sie das nicht waren, wenden Sie sich sofort an uns.
mail-code-subject = Ihr Code für { $product }
mail-code-body = Geben Sie diesen Code auf der Seite ein, die danach gefragt hat:
mail-code-lifetime = { $minutes ->
    [one] Er gilt eine Minute lang.
   *[other] Er gilt { $minutes } Minuten lang.
}
mail-code-ignore = Wenn Sie diesen Code nicht angefordert haben, beachten Sie diese E-Mail nicht weiter. Verraten Sie den Code niemandem: Wir fragen nie danach.
mail-password-changed-subject = Ihr Passwort für { $product } wurde geändert
mail-password-changed-body = Das Passwort Ihres Kontos wurde geändert. Wenn Sie das nicht waren, setzen Sie es jetzt zurück und schreiben Sie dem Betreiber von { $product }.
mail-account-exists-subject = Sie haben schon ein Konto bei { $product }
mail-account-exists-body = Jemand, vermutlich Sie, wollte mit dieser Adresse ein Konto anlegen. Es gibt schon eines: Melden Sie sich an, oder setzen Sie Ihr Passwort zurück, falls Sie es vergessen haben.

## Abmelden

end-sessions-title = Möchten Sie sich abmelden?
end-sessions-another = Inzwischen ist hier ein anderes Konto angemeldet.
end-sessions-lead = Sie werden hier abgemeldet. Manche Anwendungen merken sich Ihre Anmeldung selbst: Melden Sie sich auch dort ab.

## Seiten außerhalb eines Schritts

onward-title = Einen Moment
onward-lead = Sie werden zur Anwendung zurückgebracht. Wenn nichts geschieht, geht es hier weiter.
notice-expired-title = Das hat zu lange gedauert
notice-expired-lead = Zu Ihrer Sicherheit haben wir diesen Versuch beendet. Bitte beginnen Sie neu.
notice-start-again-title = Bitte beginnen Sie neu
notice-start-again-lead = Inzwischen hat sich etwas geändert, deshalb geht es hier nicht weiter.
notice-another-browser-title = Bitte beginnen Sie in diesem Browser neu
notice-another-browser-lead = Diese Seite gehört zu einem anderen Browser, ist längst abgeschlossen oder wurde vergessen, weil seitdem viele andere geöffnet wurden. Gehen Sie zurück zu der Anwendung, von der Sie gekommen sind, oder beginnen Sie hier neu.
notice-no-cookies-title = Ihr Browser hat kein Cookie gesendet
notice-no-cookies-lead = Wir brauchen Cookies, um Ihren Browser von einer Seite zur nächsten zu erkennen. Erlauben Sie Cookies für diese Website in den Einstellungen Ihres Browsers und beginnen Sie dann neu. Wenn Sie in einem anderen Browser begonnen haben, machen Sie dort weiter.
notice-application-gone-title = Die Anwendung ist nicht erreichbar
notice-application-gone-lead = Die Anwendung, von der Sie kommen, darf hier niemanden mehr anmelden. Fragen Sie deren Betreiber.
notice-cancelled-title = Sie haben abgebrochen
notice-cancelled-lead = Sie können diese Seite schließen oder neu beginnen, wann Sie möchten.
notice-already-done-title = Dieser Schritt ist erledigt
notice-already-done-lead = Das haben Sie schon abgeschlossen. Machen Sie dort weiter, wo Sie jetzt sind.
notice-signed-in-title = Sie sind angemeldet
notice-signed-in-lead = Sie können diese Seite schließen.
notice-not-signed-in-title = Sie sind nicht angemeldet
notice-not-signed-in-lead = Anwendungen schicken Sie hierher, wenn Sie sich bei ihnen anmelden.
notice-signed-out-title = Sie sind abgemeldet
notice-signed-out-lead = Sie können diese Seite schließen. Wenn auch andere dieses Gerät benutzen, melden Sie sich auch in den Anwendungen ab, die Sie benutzt haben.
notice-not-found-title = Diese Seite gibt es nicht
notice-not-found-lead = Vielleicht ist die Adresse falsch geschrieben, oder die Seite gibt es nicht mehr.
notice-bad-request-title = Dieser Link funktioniert nicht
notice-bad-request-lead = Die Anwendung, von der Sie kommen, hat uns etwas Unbrauchbares gesendet. Gehen Sie dorthin zurück und versuchen Sie es noch einmal.
notice-refused-title = Das haben wir nicht angenommen
notice-refused-lead = Die Anfrage kam nicht von unserer eigenen Seite. Bitte beginnen Sie neu.
notice-another-name-title = Diese Website hat eine andere Adresse
notice-another-name-lead = Sie sind unter einem Namen gekommen, der auch hierher führt; anmelden können Sie sich aber nur unter dem eigenen. Machen Sie dort weiter und beginnen Sie neu.
notice-method-not-allowed-title = Das geht hier nicht
notice-method-not-allowed-lead = Gehen Sie zurück und verwenden Sie die Schaltflächen der Seite.
notice-too-large-title = Das war zu viel
notice-too-large-lead = Es wurde mehr gesendet, als wir lesen können. Gehen Sie zurück und geben Sie weniger ein.
notice-too-many-cookies-title = Ihr Browser sendet zu viele Cookies
notice-too-many-cookies-lead = Anwendungen dieser Website und ihrer Nachbarn haben mehr Cookies in Ihrem Browser abgelegt, als wir lesen können. Löschen Sie die Cookies dieser Website in den Einstellungen Ihres Browsers und öffnen Sie die Seite dann noch einmal.
notice-too-many-requests-title = Zu viele Versuche
notice-too-many-requests-lead = Bitte warten Sie einen Moment und versuchen Sie es dann noch einmal.
notice-unavailable-title = Das geht gerade nicht
notice-unavailable-lead = Wir sind im Moment ausgelastet. Es ist nichts verloren: Versuchen Sie es in einigen Sekunden noch einmal.
notice-journey-too-large-title = Das ist zu viel geworden
notice-journey-too-large-lead = Unterwegs wurde mehr eingegeben, als wir behalten können. Beginnen Sie neu und geben Sie weniger ein.
notice-failed-title = Da ist etwas schiefgegangen
notice-failed-lead = Das liegt an uns, nicht an Ihnen. Beginnen Sie neu; wenn es wieder geschieht, lassen Sie sich helfen.
notice-repeated = Diese Antwort hatten wir schon. Hier ist, wo Sie jetzt sind.

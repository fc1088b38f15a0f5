//! Deutsch.

use super::Words;

pub(super) static WORDS: Words = Words {
    code: "de",
    direction: "ltr",

    footer: "Die Dienste hinter dieser Seite sind nicht öffentlich. Jede Anfrage wird auf dem Weg zu ihnen geprüft.",
    error_prefix: "Fehler: ",
    to_email_field: "Zum Feld für die E-Mail-Adresse",
    to_password_field: "Zum Feld für das Passwort",
    to_start: "Zur Startseite",
    to_account: "Zu Ihrem Konto",
    go_on: "Weiter",

    email: "E-Mail-Adresse",
    password: "Passwort",
    new_password: "Neues Passwort",
    rules: ("Nötig: ", ", ", "."),
    at_least: "mindestens {} Zeichen",
    at_most: "höchstens {} Zeichen",
    lower_case: "ein Kleinbuchstabe",
    upper_case: "ein Großbuchstabe",
    digit: "eine Ziffer",
    special: "ein Sonderzeichen wie ! oder #",
    check_field: "Bitte prüfen Sie dieses Feld.",

    sign_in: "Anmelden",
    sign_in_lead: "Die Nachricht hinter dieser Seite kommt von einem nicht öffentlichen Dienst. Sie ist nur für angemeldete Personen.",
    sign_out: "Abmelden",
    forgot: "Passwort vergessen?",
    create_account: "Konto anlegen",
    create_button: "Das Konto anlegen",
    sign_in_instead: "Stattdessen anmelden",
    demo: (
        "Zugang zum Ausprobieren",
        "Zu sehen, weil diese Seite mit einem Ersatz für Identity Platform spricht.",
    ),
    other_ways: "Andere Wege, sich anzumelden",
    sign_in_with: "Mit {} anmelden",
    continue_with: "Weiter mit {}",
    turned_back: "Die Anmeldung wurde nicht abgeschlossen. Versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.",
    connect: (
        "Zu dieser Adresse gibt es schon ein Konto",
        "Zeigen Sie einmal, dass es Ihres ist. Danach können Sie sich auch mit {} anmelden.",
    ),
    connect_button: "{} verbinden",
    ways_in: ("Wege zur Anmeldung", "Verbunden:"),
    way_off: "nicht verbunden",
    kept_elsewhere: (
        "Ihr Konto liegt woanders",
        "Sie haben sich über einen anderen Anbieter angemeldet: Name, Passwort und zweiter Schritt werden dort geändert.",
    ),
    signed_out_here: (
        "Hier sind Sie abgemeldet",
        "Bei {} sind Sie vielleicht noch angemeldet.",
    ),
    sign_out_there: "Auch bei {} abmelden",
    session_over: "Ihre Sitzung ist zu Ende. Melden Sie sich neu an, um weiterzumachen.",
    account_off: "Dieses Konto ist gesperrt. Wer Ihr Konto verwaltet, kann es wieder freigeben.",
    once_more: "Geben Sie Ihr Passwort noch einmal ein: Dafür muss die Anmeldung erst Minuten her sein.",

    second_step: "Zweiter Schritt",
    code_title: "Noch ein Schritt",
    code_lead: ("Geben Sie den Code ein, den Ihre App für ", " zeigt."),
    code_label: "Code",
    code_lost: "Telefon weg? Geben Sie den notierten Schlüssel in eine andere App ein. Ohne den Schlüssel kann nur, wer Ihr Konto verwaltet, den zweiten Schritt entfernen.",
    start_again: "Von vorn beginnen",
    enrol_title: "Zweiten Schritt einrichten",
    enrol_lead: "Danach brauchen Sie Ihr Passwort und einen Code aus einer App auf Ihrem Telefon.",
    enrol_scan: "1. Mit einer Authenticator-App scannen",
    enrol_picture: "QR-Code; der Schlüssel darunter sagt dasselbe",
    enrol_open: (
        "Auf diesem Telefon ",
        "in der App öffnen",
        ", oder den Schlüssel eintippen:",
    ),
    enrol_code: "2. Den Code eingeben, den sie zeigt",
    enrol_button: "Einrichten",
    enrol_keep: "Schreiben Sie den Schlüssel auf und bewahren Sie ihn wie Ihren Pass auf: Mit ihm zeigt jede App die Codes, wenn das Telefon weg ist. Ohne Telefon und Schlüssel muss, wer Ihr Konto verwaltet, den zweiten Schritt entfernen.",

    reset_title: "Passwort zurücksetzen",
    reset_lead: "Geben Sie Ihre Adresse ein. Sie bekommen eine E-Mail mit einem Link.",
    reset_button: "E-Mail schicken",
    back_to_sign_in: "Zurück zur Anmeldung",
    mail_title: "Sehen Sie in Ihr Postfach",
    mail_sign_up: (
        "Wenn die Adresse verwendet werden kann, ist eine E-Mail unterwegs an",
        "Folgen Sie dem Link darin, um fertig zu werden. Wenn Sie schon ein Konto haben, hilft die E-Mail Ihnen wieder hinein.",
    ),
    mail_reset: (
        "Wenn es ein Konto mit dieser Adresse gibt, ist eine E-Mail unterwegs an",
        "Folgen Sie innerhalb einer Stunde dem Link darin, um ein neues Passwort zu wählen.",
    ),
    mail_verify: (
        "Eine E-Mail ist unterwegs an Ihre Adresse.",
        "Folgen Sie dem Link darin, um zu zeigen, dass es Ihre Adresse ist.",
    ),
    mail_missing: (
        "Nach einigen Minuten noch nichts da? Sehen Sie im Spam-Ordner nach, prüfen Sie die Adresse oben oder ",
        ".",
    ),
    mail_another: "fordern Sie noch eine E-Mail an",
    mail_outbox: (
        "Der Ersatz für Identity Platform verschickt keine E-Mails. Er zeigt sie in seinem ",
        ".",
    ),
    outbox: "Postausgang",

    mail_sign_in: (
        "Wenn die Adresse verwendet werden kann, ist eine E-Mail unterwegs an",
        "Folgen Sie dem Link darin, am besten in diesem Browser: Er meldet Sie einmal an, innerhalb von sechs Stunden.",
    ),
    by_mail: (
        "Per E-Mail anmelden",
        "Geben Sie Ihre Adresse ein. Sie bekommen eine E-Mail mit einem Link, der Sie ohne Passwort anmeldet.",
    ),
    by_mail_finish: "Ist das Ihre Adresse? Dann geht es weiter.",

    link_account: "Konto",
    link_new_address: "Neue Adresse",
    link_new_mail: "Neue E-Mail anfordern",
    link_reset: (
        "Neues Passwort wählen",
        "Es ersetzt das alte und beendet jede andere Sitzung dieses Kontos.",
        "Neues Passwort speichern",
        "Ihr Passwort ist geändert",
        "Melden Sie sich mit dem neuen an. Andere Geräte müssen sich neu anmelden.",
    ),
    link_verify: (
        "Adresse bestätigen",
        "Damit zeigen Sie, dass die Adresse Ihres Kontos Ihnen gehört.",
        "Diese Adresse bestätigen",
        "Ihre Adresse ist bestätigt",
        "Sie können sich anmelden oder weitermachen, wo Sie waren.",
    ),
    link_change: (
        "Adresse ändern",
        "Danach melden Sie sich mit der neuen Adresse an.",
        "Neue Adresse verwenden",
        "Ihre Adresse ist geändert",
        "Melden Sie sich mit der neuen Adresse an. An die alte ging eine E-Mail, mit der sich das rückgängig machen lässt.",
    ),
    link_recover: (
        "Alte Adresse zurückholen",
        "Die Adresse Ihres Kontos wurde geändert. Wenn Sie das nicht waren, machen Sie es hier rückgängig.",
        "Die alte Adresse zurückholen",
        "Ihre alte Adresse ist wieder da",
        "Vielleicht kennt jemand Ihr Passwort: Setzen Sie es jetzt zurück.",
    ),
    link_revert: (
        "Zweiten Schritt entfernen",
        "Zu Ihrem Konto kam ein zweiter Schritt hinzu. Wenn Sie das nicht waren, entfernen Sie ihn hier.",
        "Den zweiten Schritt entfernen",
        "Der zweite Schritt ist entfernt",
        "Vielleicht kennt jemand Ihr Passwort: Setzen Sie es jetzt zurück.",
    ),

    account: "Ihr Konto",
    verified: "Bestätigt",
    yes: "ja",
    not_yet: "noch nicht",
    send_verification: "E-Mail zur Bestätigung schicken",
    name: "Name",
    save_name: "Namen speichern",
    change_password: "Passwort ändern",
    add_password: "Ein Passwort hinzufügen",
    on: "Eingerichtet:",
    factor_app: "ein Code aus einer App",
    factor_phone: "eine SMS",
    remove: "Entfernen",
    add_factor: (
        "Code aus einer App einrichten",
        ": Dann öffnet ein gestohlenes Passwort allein nichts.",
    ),
    verify_for_factor: "Einen Code aus einer App können Sie einrichten, sobald Ihre Adresse bestätigt ist.",
    elsewhere: (
        "Auch anderswo angemeldet?",
        "Ein neues Passwort beendet die Anmeldung in jedem anderen Browser. Was ein Browser schon hat, gilt noch bis zu einer Stunde: Die Dienste prüfen es, ohne nachzufragen. „Abmelden“ oben beendet nur diesen Browser.",
    ),
    sign_out_everywhere: "Überall abmelden",
    leaving: "Aufhören",
    delete_account: "Konto löschen",
    back_to_account: "Zurück zu Ihrem Konto",
    password_lead: "Jeder andere Browser muss sich neu anmelden.",
    save_password: "Das neue Passwort speichern",
    password_changed: (
        "Ihr Passwort ist geändert",
        "Hier bleiben Sie angemeldet. Jeder andere Browser muss sich neu anmelden, spätestens in einer Stunde.",
    ),
    add_password_lead: "Mit ihm und Ihrer Adresse können Sie sich auch ohne anderen Anbieter anmelden.",
    password_added: (
        "Ihr Konto hat ein Passwort",
        "Von nun an können Sie sich auch mit Ihrer Adresse und dem Passwort anmelden.",
    ),
    signed_out_everywhere: (
        "Sie sind überall abgemeldet",
        "Was ein Browser schon hat, gilt noch bis zu einer Stunde: Die Dienste prüfen es, ohne nachzufragen.",
    ),
    sign_in_again: "Neu anmelden",
    delete_title: "Das Konto löschen?",
    delete_lead: (
        "Das Konto ",
        " und seine Anmeldungen werden endgültig entfernt. Niemand kann das rückgängig machen.",
    ),
    delete_button: "Löschen",
    keep_account: "Behalten",
    deleted: (
        "Ihr Konto ist gelöscht",
        "Sie sind abgemeldet, und hier ist nichts davon übrig.",
    ),

    home_title: "Ihre Nachricht",
    welcome: "Willkommen",
    signed_in_as: ("Sie sind angemeldet als ", "."),
    message: "Die geheime Nachricht lautet: {}",
    how: (
        "Wie kam das hierher?",
        "Ihre Anfrage ging durch alle diese Stellen, in dieser Reihenfolge. Jede hat etwas Eigenes geprüft.",
    ),
    demo_hops: "Auf einem Laptop spielen Ersatzteile die Rollen von Google Cloud; die Prüfungen sind dieselben.",
    every_hop: ("Jede Stelle hat eine Zeile geschrieben, mit der Trace-ID ", "."),
    hops_private: [
        (
            "Diese Seite, auf Cloud Run",
            "hat Ihr verschlüsseltes Sitzungs-Cookie geöffnet. Bei der Anmeldung hat sie Ihr ID-Token geprüft: Signatur, Aussteller, Empfänger, Ablauf.",
        ),
        (
            "Die Vordertür von Cloud Run",
            "hat das eigene Token dieser Seite geprüft, von Google für ihr Dienstkonto signiert: Kein anderer Dienst und niemand im Internet darf den Proxy aufrufen.",
        ),
        (
            "Der Proxy, auf Cloud Run",
            "hat dieses Token abgenommen, sein Client-Zertifikat gezeigt und sich des Namens des Gateways versichert: gegenseitiges TLS 1.3.",
        ),
        (
            "Istios Ingress-Gateway, auf GKE",
            "hat dieses Zertifikat angenommen und kein anderes derselben Stelle, Ihr ID-Token noch einmal geprüft und seine Richtlinie gefragt, ob Sie diesen Pfad lesen dürfen.",
        ),
        (
            "Das Backend, auf GKE",
            "hat geantwortet. Es hat keinen eigenen Code zur Anmeldung: Das Mesh lässt nur das Gateway zu ihm.",
        ),
    ],
    hops_gke: [
        (
            "Diese Seite, auf GKE",
            "hat Ihr verschlüsseltes Sitzungs-Cookie geöffnet. Bei der Anmeldung hat sie Ihr ID-Token geprüft: Signatur, Aussteller, Empfänger, Ablauf. Dann hat sie das öffentliche Gateway aufgerufen wie jeder andere auch.",
        ),
        (
            "Istios Ingress-Gateway, auf GKE",
            "hat Ihr ID-Token noch einmal geprüft und seine Richtlinie gefragt, ob Sie diesen Pfad lesen dürfen. Für die Aufrufe des Browsers an /api/ gilt dieselbe Richtlinie.",
        ),
        (
            "Das Backend, auf GKE",
            "hat geantwortet. Es hat keinen eigenen Code zur Anmeldung: Das Mesh lässt nur das Gateway zu ihm.",
        ),
    ],

    what_to_do: "Was tun?",
    out_and_in: "Abmelden und neu anmelden",
    try_again: "Noch einmal versuchen",
    look_into: "Für alle, die dem nachgehen:",
    trace_id: "Trace-ID",

    wrong_credentials: (
        "Das hat nicht geklappt",
        "E-Mail-Adresse oder Passwort stimmt nicht. Prüfen Sie beides und versuchen Sie es noch einmal.",
    ),
    invalid_email: (
        "Prüfen Sie die E-Mail-Adresse",
        "Geben Sie eine Adresse wie name@example.com ein.",
    ),
    missing_password: ("Geben Sie Ihr Passwort ein", "Das Passwort fehlt."),
    too_many_attempts: (
        "Zu viele Versuche",
        "Die Anmeldung ist für dieses Konto angehalten. Warten Sie einige Minuten und versuchen Sie es dann noch einmal.",
    ),
    paused: (
        "Zu viele Versuche",
        "Es waren zu viele Versuche. Warten Sie einige Minuten und versuchen Sie es dann noch einmal.",
    ),
    disabled: (
        "Dieses Konto ist gesperrt",
        "Wer Ihr Konto verwaltet, kann es wieder freigeben.",
    ),
    second_factor: (
        "Dieses Konto braucht einen zweiten Schritt",
        "Ihr Passwort stimmt, aber das Konto verlangt einen zweiten Faktor, den diese Seite nicht kennt. Verwenden Sie ein Konto ohne ihn oder fragen Sie die Verwaltung.",
    ),
    too_weak: (
        "Dieses Passwort erfüllt die Regeln nicht",
        "Wählen Sie ein anderes. Wenn Sie sich mit Ihrem Passwort nicht mehr anmelden können, setzen Sie es zurück.",
    ),
    lacks: "Es fehlt: {}. Wenn Sie sich mit Ihrem Passwort nicht mehr anmelden können, setzen Sie es zurück.",
    email_exists: (
        "Sehen Sie in Ihr Postfach",
        "Wenn diese Adresse verwendet werden kann, ist eine E-Mail unterwegs.",
    ),
    link_over: (
        "Dieser Link ist benutzt oder zu alt",
        "Jeder Link gilt einmal und für begrenzte Zeit. Fordern Sie eine neue E-Mail an.",
    ),
    sign_in_too_old: (
        "Melden Sie sich noch einmal an",
        "Dafür muss die Anmeldung erst wenige Minuten her sein, damit sicher ist, dass Sie es sind.",
    ),
    unverified_email: (
        "Bestätigen Sie zuerst Ihre E-Mail-Adresse",
        "Das geht nur mit bestätigter Adresse. Fordern Sie auf der Seite Ihres Kontos die E-Mail an und folgen Sie ihrem Link.",
    ),
    wrong_code: (
        "Dieser Code stimmt nicht",
        "Geben Sie den Code ein, den Ihre App jetzt zeigt. Jeder Code gilt einmal; wenn es nie klappt, prüfen Sie die Uhr Ihres Telefons.",
    ),
    step_too_old: (
        "Das hat zu lange gedauert",
        "Der erste Schritt ist zu lange her. Beginnen Sie von vorn.",
    ),
    factor_exists: (
        "Diesen zweiten Schritt gibt es schon",
        "Entfernen Sie den vorhandenen und richten Sie dann einen neuen ein.",
    ),
    provider_failed: (
        "Diese Anmeldung wurde nicht fertig",
        "Der andere Anbieter hat nicht bestätigt, wer Sie sind. Versuchen Sie es noch einmal.",
    ),
    already_linked: (
        "Dieses Konto gehört hier schon jemand anderem",
        "Es ist mit einem anderen Konto dieser Seite verbunden. Melden Sie sich mit jenem an oder verwenden Sie ein anderes.",
    ),
    no_address: (
        "Ihre Adresse fehlt",
        "Der andere Anbieter hat Ihre E-Mail-Adresse nicht genannt, und ein Konto braucht eine. Erlauben Sie es dort oder melden Sie sich auf einem anderen Weg an.",
    ),
    last_way_in: (
        "Das ist Ihr letzter Weg hinein",
        "Ohne ihn könnten Sie sich nicht mehr anmelden. Fügen Sie zuerst einen anderen hinzu.",
    ),
    other_tenant: (
        "Das ist nicht die Seite Ihrer Organisation",
        "Ihr Konto gehört zu einer anderen Organisation. Verwenden Sie die Adresse, die Sie von ihr haben.",
    ),
    blocked: (
        "Die Anmeldung wurde abgelehnt",
        "Die Regeln Ihrer Organisation erlauben diese Anmeldung nicht. Fragen Sie die Verwaltung.",
    ),
    your_session_over: (
        "Ihre Sitzung ist zu Ende",
        "Melden Sie sich neu an, um weiterzumachen.",
    ),
    unavailable: (
        "Die Anmeldung geht gerade nicht",
        "Der Anmeldedienst, Identity Platform, ist nicht erreichbar. Mit Ihrem Konto und Ihrem Passwort ist alles in Ordnung. Versuchen Sie es in einer Minute noch einmal.",
    ),
    untrusted: (
        "Die Anmeldung konnte nicht bestätigt werden",
        "Die Antwort von Identity Platform hat die Prüfungen dieser Seite nicht bestanden; niemand wurde angemeldet. Versuchen Sie es noch einmal. Bleibt es so, müssen die Betreiber nachsehen; das Protokoll nennt die Prüfung.",
    ),
    misconfigured: (
        "Die Anmeldung ist nicht richtig eingerichtet",
        "Identity Platform nimmt die Einstellungen dieser Seite nicht an. Mit Ihrem Konto ist alles in Ordnung; die Betreiber müssen nachsehen, das Protokoll nennt die Ursache.",
    ),
    unknown: (
        "Die Anmeldung wurde abgelehnt",
        "Identity Platform hat aus einem Grund abgelehnt, den diese Seite nicht kennt; das Protokoll nennt ihn. Versuchen Sie es noch einmal oder fragen Sie die Betreiber.",
    ),

    signed_out: (
        "Erst anmelden",
        "Niemand ist angemeldet, oder die Sitzung ist zu Ende.",
        "Melden Sie sich auf der Startseite an.",
    ),
    cross_site: (
        "Dieses Formular kam von anderswo",
        "Der Browser sagt, dass eine andere Seite dieses Formular geschickt hat. Es wurde nicht angenommen, damit keine andere Seite in Ihrem Namen handelt.",
        "Öffnen Sie die Startseite und verwenden Sie das Formular dort.",
    ),
    not_found: (
        "Diese Seite gibt es nicht",
        "Unter dieser Adresse ist nichts zu finden.",
        "Prüfen Sie die Adresse oder gehen Sie zur Startseite.",
    ),
    wrong_method: (
        "So wird diese Adresse nicht verwendet",
        "Die Adresse gibt es, aber nicht für diese Art von Anfrage.",
        "Gehen Sie zur Startseite und verwenden Sie ihre Formulare.",
    ),
    ambiguous_path: (
        "Diese Adresse ist mehrdeutig",
        "Der Pfad hat Punkt-Segmente, umgekehrte oder verschlüsselte Schrägstriche, die zwei Server verschieden lesen könnten.",
        "Verwenden Sie die Adresse ohne sie.",
    ),
    bad_form: (
        "Das Formular konnte nicht gelesen werden",
        "Was ankam, ist kein ausgefülltes Formular.",
        "Gehen Sie zur Startseite und verwenden Sie das Formular dort.",
    ),
    identity_platform: (
        "Ihre Sitzung kann gerade nicht verlängert werden",
        "Der Anmeldedienst, Identity Platform, verlängert Ihre Sitzung im Augenblick nicht. Sie sind nicht abgemeldet.",
        "Versuchen Sie es in einer Minute noch einmal: Sobald er antwortet, geht es weiter, wo Sie waren.",
    ),
    metadata_server: (
        "Diese Seite kann sich nicht ausweisen",
        "Der Metadatenserver, der für diese Seite bürgt, gibt kein Token. Ohne eines sprechen die Dienste nicht mit ihr.",
        "Mit Ihrem Konto ist alles in Ordnung. Versuchen Sie es in einer Minute noch einmal; bleibt es so, prüfen die Betreiber GCE_METADATA_HOST und ob der Metadatenserver läuft.",
    ),
    service_identity: (
        "Diese Seite wurde nicht eingelassen",
        "Die Tür vor den Diensten nimmt die Identität dieser Seite nicht an. Mit Ihnen und Ihrem Konto hat das nichts zu tun.",
        "Die Betreiber müssen nachsehen: Darf das Dienstkonto dieser Seite den Proxy aufrufen, und ist PROXY_AUDIENCE die Adresse des Proxys?",
    ),
    token_expired: (
        "Ihre Anmeldung ist dafür zu alt",
        "Das Gateway vor den Diensten sagt, dass Ihr Token abgelaufen ist.",
        "Melden Sie sich ab und neu an. Bleibt es so, gehen die Uhren der Server verschieden: Sagen Sie es den Betreibern.",
    ),
    token_refused: (
        "Ihre Anmeldung wurde nicht angenommen",
        "Das Gateway vor den Diensten nimmt das Token Ihrer Anmeldung nicht an.",
        "Melden Sie sich ab und neu an. Bleibt es so, vergleichen die Betreiber die RequestAuthentication des Gateways (Aussteller, Empfänger, Schlüssel) mit dem Projekt dieser Seite.",
    ),
    policy_refused: (
        "Das dürfen Sie nicht sehen",
        "Sie sind angemeldet, aber die Richtlinie des Gateways erlaubt Ihnen das nicht.",
        "Wenn Sie es sehen sollten, fragen Sie die Betreiber der Dienste: Ihre AuthorizationPolicy entscheidet.",
    ),
    no_proxy: (
        "Der Proxy läuft nicht",
        "Die Tür vor den Diensten antwortet, aber dahinter ist kein Proxy.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, starten die Betreiber den Proxy oder sehen nach, warum er nicht startet.",
    ),
    busy: (
        "Zu viele auf einmal",
        "Die Tür vor den Diensten hat im Augenblick keinen Platz mehr.",
        "Versuchen Sie es in einer Minute noch einmal.",
    ),
    proxy_unreachable: (
        "Der Proxy ist nicht erreichbar",
        "Diese Seite bekommt keine Verbindung zum Proxy, der zu den Diensten führt.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, prüfen die Betreiber, ob der Proxy läuft und PROXY_URL seine Adresse ist.",
    ),
    gateway_unreachable: (
        "Das Gateway ist nicht erreichbar",
        "Diese Seite bekommt keine Verbindung zum Gateway, das zu den Diensten führt.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, prüfen die Betreiber, ob das Gateway läuft und PROXY_URL seine Adresse ist.",
    ),
    gateway_behind_proxy: (
        "Das Gateway ist nicht erreichbar",
        "Der Proxy antwortet, erreicht aber das Gateway vor den Diensten nicht rechtzeitig.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, prüfen die Betreiber, ob das Gateway läuft und sein Zertifikat und das des Proxys passen.",
    ),
    backend_behind_gateway: (
        "Der Dienst ist nicht erreichbar",
        "Das Gateway antwortet, erreicht aber den Dienst nicht rechtzeitig.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, prüfen die Betreiber, ob das Backend läuft.",
    ),
    backend: (
        "Der Dienst antwortet nicht",
        "Auf dem Weg ist alles in Ordnung, aber der Dienst mit der Nachricht ist aus, langsam oder kaputt.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, sehen die Betreiber nach dem Backend.",
    ),
    too_slow: (
        "Das dauert zu lange",
        "Die Dienste haben nicht rechtzeitig geantwortet, deshalb wartet diese Seite nicht mehr.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, finden die Betreiber die langsame Stelle mit der Trace-ID unten.",
    ),
    unexpected: (
        "Der Dienst gab eine seltsame Antwort",
        "Etwas hat auf eine Weise geantwortet, die diese Seite nicht versteht.",
        "Versuchen Sie es noch einmal. Bleibt es so, prüfen die Betreiber, wohin PROXY_URL führt.",
    ),
    session_too_large: (
        "Ihre Sitzung passt nicht",
        "Ihr Konto trägt mehr Daten, als ein Browser in seinen Cookies behält; Sie konnten nicht angemeldet werden.",
        "Bitten Sie die Betreiber, Ihrem Konto weniger eigene Angaben (custom claims) zu geben.",
    ),
    no_randomness: (
        "Ihre Sitzung konnte nicht geschützt werden",
        "Der Server konnte Ihre Sitzung nicht verschlüsseln; Sie wurden nicht angemeldet.",
        "Versuchen Sie es in einer Minute noch einmal. Bleibt es so, sagen Sie es den Betreibern.",
    ),
};

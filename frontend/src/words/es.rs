//! Español.

use super::Words;

pub(super) static WORDS: Words = Words {
    code: "es",
    direction: "ltr",

    footer: "Los servicios detrás de esta página son privados. Cada petición se comprueba en su camino.",
    error_prefix: "Error – ",
    to_email_field: "Ir al campo del correo",
    to_password_field: "Ir al campo de la contraseña",
    to_start: "Ir a la página de inicio",
    to_account: "Ir a su cuenta",
    go_on: "Continuar",

    email: "Correo electrónico",
    password: "Contraseña",
    new_password: "Contraseña nueva",
    rules: ("Necesita: ", ", ", "."),
    at_least: "al menos {} caracteres",
    at_most: "como máximo {} caracteres",
    lower_case: "una letra minúscula",
    upper_case: "una letra mayúscula",
    digit: "una cifra",
    special: "un carácter especial, como ! o #",
    check_field: "Revise este campo.",

    sign_in: "Iniciar sesión",
    sign_in_lead: "El mensaje detrás de esta página viene de un servicio privado. Es solo para quien ha iniciado sesión.",
    sign_out: "Cerrar sesión",
    forgot: "¿Olvidó su contraseña?",
    create_account: "Crear una cuenta",
    create_button: "Crear la cuenta",
    sign_in_instead: "Mejor iniciar sesión",
    demo: (
        "Acceso de prueba",
        "Se muestra porque esta página habla con un sustituto de Identity Platform.",
    ),
    other_ways: "Otras formas de iniciar sesión",
    sign_in_with: "Iniciar sesión con {}",
    continue_with: "Continuar con {}",
    turned_back: "El inicio de sesión no se completó. Inténtelo de nuevo o elija otra forma.",
    connect: (
        "Ya hay una cuenta con esta dirección",
        "Demuestre una vez que es suya. Después podrá iniciar sesión también con {}.",
    ),
    connect_button: "Conectar {}",
    ways_in: ("Formas de iniciar sesión", "Conectado:"),
    way_off: "no conectado",
    kept_elsewhere: (
        "Su cuenta está en otro sitio",
        "Inició sesión con otro proveedor: el nombre, la contraseña y el segundo paso se cambian allí.",
    ),
    signed_out_here: (
        "Ha cerrado sesión aquí",
        "Puede que su sesión siga abierta en {}.",
    ),
    sign_out_there: "Cerrar sesión también en {}",
    session_over: "Su sesión ha terminado. Inicie sesión de nuevo para continuar.",
    account_off: "Esta cuenta está desactivada. Pida a quien la administra que la active de nuevo.",
    once_more: "Escriba su contraseña una vez más: lo que quiere hacer exige haber iniciado sesión hace pocos minutos.",

    second_step: "Segundo paso",
    code_title: "Un paso más",
    code_lead: ("Escriba el código que su aplicación muestra para ", "."),
    code_label: "Código",
    code_lost: "¿Sin el teléfono? Escriba en otra aplicación la clave que anotó. Sin la clave, pida a quien administra su cuenta que quite el segundo paso.",
    start_again: "Empezar de nuevo",
    enrol_title: "Añadir un segundo paso",
    enrol_lead: "Desde entonces necesitará su contraseña y un código de una aplicación de su teléfono.",
    enrol_scan: "1. Escanee esto con una aplicación de autenticación",
    enrol_picture: "Código QR; la clave de abajo dice lo mismo",
    enrol_open: (
        "En este teléfono, ",
        "ábralo en la aplicación",
        " o escriba la clave:",
    ),
    enrol_code: "2. Escriba el código que muestra",
    enrol_button: "Añadirlo",
    enrol_keep: "Anote la clave y guárdela donde guarda su pasaporte: con ella cualquier aplicación muestra los códigos si pierde el teléfono. Sin teléfono ni clave, quien administra su cuenta tiene que quitar el segundo paso.",

    reset_title: "Restablecer la contraseña",
    reset_lead: "Escriba su dirección. Recibirá un correo con un enlace.",
    reset_button: "Enviar el correo",
    back_to_sign_in: "Volver al inicio de sesión",
    mail_title: "Mire su correo",
    mail_sign_up: (
        "Si la dirección se puede usar, hay un correo en camino a",
        "Siga el enlace para terminar. Si ya tiene una cuenta, el correo le ayuda a volver a ella.",
    ),
    mail_reset: (
        "Si hay una cuenta con esta dirección, hay un correo en camino a",
        "Siga el enlace antes de una hora para elegir una contraseña nueva.",
    ),
    mail_verify: (
        "Hay un correo en camino a su dirección.",
        "Siga el enlace para mostrar que la dirección es suya.",
    ),
    mail_missing: (
        "¿Nada después de unos minutos? Mire en el correo no deseado, revise la dirección de arriba o ",
        ".",
    ),
    mail_another: "pida otro correo",
    mail_outbox: (
        "El sustituto de Identity Platform no envía correos. Los muestra en su ",
        ".",
    ),
    outbox: "bandeja de salida",

    mail_sign_in: (
        "Si la dirección se puede usar, hay un correo en camino a",
        "Siga el enlace, mejor en este navegador: inicia su sesión una vez, antes de seis horas.",
    ),
    by_mail: (
        "Iniciar sesión por correo",
        "Escriba su dirección. Recibirá un correo con un enlace que inicia su sesión sin contraseña.",
    ),
    by_mail_finish: "¿Es esta su dirección? Entonces continúe.",

    link_account: "Cuenta",
    link_new_address: "Dirección nueva",
    link_new_mail: "Enviarme otro correo",
    link_reset: (
        "Elegir una contraseña nueva",
        "Sustituye a la anterior y termina todas las demás sesiones de esta cuenta.",
        "Guardar la contraseña nueva",
        "Su contraseña ha cambiado",
        "Inicie sesión con la nueva. Los demás dispositivos tienen que iniciar sesión de nuevo.",
    ),
    link_verify: (
        "Verificar su dirección",
        "Muestra que la dirección de su cuenta es suya.",
        "Verificar esta dirección",
        "Su dirección está verificada",
        "Puede iniciar sesión o seguir donde estaba.",
    ),
    link_change: (
        "Cambiar su dirección",
        "Desde entonces iniciará sesión con la dirección nueva.",
        "Usar la dirección nueva",
        "Su dirección ha cambiado",
        "Inicie sesión con la dirección nueva. La anterior recibió un correo con el que se puede deshacer.",
    ),
    link_recover: (
        "Recuperar su dirección anterior",
        "La dirección de su cuenta fue cambiada. Si no fue usted, deshágalo aquí.",
        "Recuperar la dirección anterior",
        "Su dirección anterior ha vuelto",
        "Alguien puede conocer su contraseña: restablézcala ahora.",
    ),
    link_revert: (
        "Quitar un segundo paso",
        "Se añadió un segundo paso a su cuenta. Si no fue usted, quítelo aquí.",
        "Quitar el segundo paso",
        "El segundo paso está quitado",
        "Alguien puede conocer su contraseña: restablézcala ahora.",
    ),

    account: "Su cuenta",
    verified: "Verificado",
    yes: "sí",
    not_yet: "todavía no",
    send_verification: "Enviar el correo de verificación",
    name: "Nombre",
    save_name: "Guardar el nombre",
    change_password: "Cambiar la contraseña",
    add_password: "Añadir una contraseña",
    on: "Activo:",
    factor_app: "un código de una aplicación",
    factor_phone: "un mensaje de texto",
    remove: "Quitar",
    add_factor: (
        "Añadir un código de una aplicación",
        ": así una contraseña robada sola no abre nada.",
    ),
    verify_for_factor: "Podrá añadir un código de una aplicación cuando su dirección esté verificada.",
    elsewhere: (
        "¿Sesión abierta en otro sitio?",
        "Una contraseña nueva termina la sesión en todos los demás navegadores. Lo que un navegador ya tiene vale hasta una hora más: los servicios lo comprueban sin volver a preguntar. «Cerrar sesión», arriba, termina solo este navegador.",
    ),
    sign_out_everywhere: "Cerrar sesión en todas partes",
    leaving: "Irse",
    delete_account: "Eliminar la cuenta",
    back_to_account: "Volver a su cuenta",
    password_lead: "Todos los demás navegadores tienen que iniciar sesión de nuevo.",
    save_password: "Guardar la nueva contraseña",
    password_changed: (
        "Su contraseña ha cambiado",
        "Aquí sigue con la sesión abierta. Los demás navegadores tienen que iniciar sesión de nuevo, a más tardar en una hora.",
    ),
    add_password_lead: "Con ella y su dirección puede iniciar sesión también sin otro proveedor.",
    password_added: (
        "Su cuenta tiene una contraseña",
        "A partir de ahora puede iniciar sesión también con su dirección y la contraseña.",
    ),
    signed_out_everywhere: (
        "Ha cerrado sesión en todas partes",
        "Lo que un navegador ya tiene vale hasta una hora más: los servicios lo comprueban sin volver a preguntar.",
    ),
    sign_in_again: "Iniciar sesión de nuevo",
    delete_title: "¿Eliminar la cuenta?",
    delete_lead: (
        "La cuenta ",
        " y sus sesiones se eliminan para siempre. Nadie puede deshacerlo.",
    ),
    delete_button: "Eliminarla",
    keep_account: "Conservarla",
    deleted: (
        "Su cuenta está eliminada",
        "Su sesión está cerrada y aquí no queda nada de ella.",
    ),

    home_title: "Su mensaje",
    welcome: "Bienvenida, bienvenido",
    signed_in_as: ("Ha iniciado sesión como ", "."),
    message: "El mensaje secreto es: {}",
    how: (
        "¿Cómo llegó esto aquí?",
        "Su petición pasó por todos estos puntos, en este orden. Cada uno comprobó algo propio.",
    ),
    demo_hops: "En un portátil, unos sustitutos hacen los papeles de Google Cloud; las comprobaciones son las mismas.",
    every_hop: (
        "Cada punto escribió una línea con el identificador de traza ",
        ".",
    ),
    hops_private: [
        (
            "Esta página, en Cloud Run",
            "abrió su cookie de sesión cifrada. Cuando inició sesión verificó su token de identidad: firma, emisor, destinatario, caducidad.",
        ),
        (
            "La puerta de Cloud Run",
            "comprobó el token propio de esta página, firmado por Google para su cuenta de servicio: ningún otro servicio, y nadie en internet, puede llamar al proxy.",
        ),
        (
            "El proxy, en Cloud Run",
            "quitó ese token, mostró su certificado de cliente y se aseguró del nombre de la pasarela: TLS 1.3 mutuo.",
        ),
        (
            "La pasarela de entrada de Istio, en GKE",
            "aceptó ese certificado y ningún otro de la misma autoridad, verificó su token de identidad otra vez y preguntó a su política si puede leer esta ruta.",
        ),
        (
            "El backend, en GKE",
            "respondió. No tiene código de autenticación: la malla solo deja llegar a la pasarela.",
        ),
    ],
    hops_gke: [
        (
            "Esta página, en GKE",
            "abrió su cookie de sesión cifrada. Cuando inició sesión verificó su token de identidad: firma, emisor, destinatario, caducidad. Luego llamó a la pasarela pública como cualquier cliente.",
        ),
        (
            "La pasarela de entrada de Istio, en GKE",
            "verificó su token de identidad otra vez y preguntó a su política si puede leer esta ruta. Las llamadas del navegador a /api/ pasan por la misma política.",
        ),
        (
            "El backend, en GKE",
            "respondió. No tiene código de autenticación: la malla solo deja llegar a la pasarela.",
        ),
    ],

    what_to_do: "Qué hacer",
    out_and_in: "Cerrar sesión e iniciarla de nuevo",
    try_again: "Intentar de nuevo",
    look_into: "Para quien lo investigue:",
    trace_id: "identificador de traza",

    wrong_credentials: (
        "No ha funcionado",
        "El correo o la contraseña no son correctos. Revise ambos e inténtelo de nuevo.",
    ),
    invalid_email: (
        "Revise el correo electrónico",
        "Escriba una dirección como name@example.com.",
    ),
    missing_password: ("Escriba su contraseña", "Falta la contraseña."),
    too_many_attempts: (
        "Demasiados intentos",
        "El inicio de sesión está en pausa para esta cuenta. Espere unos minutos e inténtelo de nuevo.",
    ),
    paused: (
        "Demasiados intentos",
        "Hubo demasiados intentos. Espere unos minutos e inténtelo de nuevo.",
    ),
    disabled: (
        "Esta cuenta está desactivada",
        "Pida a quien administra su cuenta que la active de nuevo.",
    ),
    second_factor: (
        "Esta cuenta necesita un segundo paso",
        "Su contraseña es correcta, pero la cuenta pide un segundo factor que esta página no admite. Use una cuenta sin él o pregunte a quien administra.",
    ),
    too_weak: (
        "Esta contraseña no cumple las reglas",
        "Elija otra. Si ya no puede iniciar sesión con su contraseña, restablézcala.",
    ),
    lacks: "Le falta: {}. Si ya no puede iniciar sesión con su contraseña, restablézcala.",
    email_exists: (
        "Mire su correo",
        "Si esta dirección se puede usar, hay un correo en camino.",
    ),
    link_over: (
        "Este enlace está usado o es demasiado antiguo",
        "Cada enlace vale una vez y por tiempo limitado. Pida otro correo.",
    ),
    sign_in_too_old: (
        "Inicie sesión una vez más",
        "Esto exige haber iniciado sesión hace pocos minutos, para asegurarse de que es usted.",
    ),
    unverified_email: (
        "Verifique antes su correo",
        "Esto es solo para direcciones verificadas. Pida el correo en la página de su cuenta y siga su enlace.",
    ),
    wrong_code: (
        "Ese código no es correcto",
        "Escriba el código que su aplicación muestra ahora. Cada código vale una vez; si sigue fallando, revise el reloj de su teléfono.",
    ),
    step_too_old: (
        "Tardó demasiado",
        "El primer paso fue hace demasiado tiempo. Empiece de nuevo.",
    ),
    factor_exists: (
        "Ya existe ese segundo paso",
        "Quite el que tiene su cuenta y luego añada otro.",
    ),
    provider_failed: (
        "Ese inicio de sesión no terminó",
        "El otro proveedor no confirmó quién es usted. Inténtelo de nuevo.",
    ),
    already_linked: (
        "Esa cuenta pertenece aquí a otra persona",
        "Está conectada con otra cuenta de este sitio. Inicie sesión con aquella o use otra.",
    ),
    no_address: (
        "Falta su dirección",
        "El otro proveedor no comunicó su dirección de correo y una cuenta necesita una. Permítalo allí o inicie sesión de otra forma.",
    ),
    last_way_in: (
        "Es su última forma de entrar",
        "Sin ella no podría volver a iniciar sesión. Añada antes otra.",
    ),
    other_tenant: (
        "Esta no es la página de su organización",
        "Su cuenta pertenece a otra organización. Use la dirección que ella le dio.",
    ),
    blocked: (
        "El inicio de sesión fue rechazado",
        "Las reglas de su organización no lo permiten. Pregunte a quien administra.",
    ),
    your_session_over: ("Su sesión ha terminado", "Inicie sesión de nuevo para continuar."),
    unavailable: (
        "Ahora no se puede iniciar sesión",
        "No se llega al servicio de inicio de sesión, Identity Platform. Su cuenta y su contraseña están bien. Inténtelo de nuevo en un minuto.",
    ),
    untrusted: (
        "No se pudo confirmar el inicio de sesión",
        "La respuesta de Identity Platform no superó las comprobaciones de este sitio y nadie inició sesión. Inténtelo de nuevo; si continúa, quienes llevan este sitio deben mirarlo: el registro nombra la comprobación.",
    ),
    misconfigured: (
        "El inicio de sesión no está bien configurado",
        "Identity Platform no acepta la configuración de este sitio. Su cuenta está bien; quienes llevan este sitio deben mirarlo: el registro nombra la causa.",
    ),
    unknown: (
        "El inicio de sesión fue rechazado",
        "Identity Platform lo rechazó por un motivo que esta página no conoce; el registro lo nombra. Inténtelo de nuevo o pregunte a quienes llevan este sitio.",
    ),

    signed_out: (
        "Inicie sesión primero",
        "Nadie ha iniciado sesión, o la sesión ha terminado.",
        "Inicie sesión en la página de inicio.",
    ),
    cross_site: (
        "Este formulario vino de otro sitio",
        "El navegador dice que otro sitio envió este formulario. No se aceptó, para que ningún otro sitio actúe en su nombre.",
        "Abra la página de inicio de este sitio y use el formulario de allí.",
    ),
    not_found: (
        "Esa página no existe",
        "No hay nada en esta dirección.",
        "Revise la dirección o vaya a la página de inicio.",
    ),
    wrong_method: (
        "Esta dirección no se usa así",
        "La dirección existe, pero no para este tipo de petición.",
        "Vaya a la página de inicio y use sus formularios.",
    ),
    ambiguous_path: (
        "Esta dirección es ambigua",
        "La ruta tiene segmentos de puntos, barras invertidas o barras codificadas, que dos servidores podrían leer de forma distinta.",
        "Use la dirección sin ellos.",
    ),
    bad_form: (
        "No se pudo leer el formulario",
        "Lo que llegó no es un formulario rellenado.",
        "Vaya a la página de inicio y use el formulario de allí.",
    ),
    identity_platform: (
        "Ahora no se puede renovar su sesión",
        "El servicio de inicio de sesión, Identity Platform, no renueva su sesión en este momento. Su sesión no está cerrada.",
        "Inténtelo de nuevo en un minuto: en cuanto responda, seguirá donde estaba.",
    ),
    metadata_server: (
        "Este sitio no puede demostrar quién es",
        "El servidor de metadatos, que responde por esta página, no da ningún token. Sin él los servicios privados no hablan con ella.",
        "Su cuenta está bien. Inténtelo de nuevo en un minuto; si continúa, los operadores revisan GCE_METADATA_HOST y que el servidor de metadatos funcione.",
    ),
    service_identity: (
        "A este sitio no se le dejó entrar",
        "La puerta de los servicios privados no acepta la identidad de esta página. No tiene que ver con usted ni con su cuenta.",
        "Un operador tiene que mirarlo: ¿puede la cuenta de servicio de esta página llamar al proxy, y es PROXY_AUDIENCE la dirección del proxy?",
    ),
    token_expired: (
        "Su inicio de sesión es demasiado antiguo",
        "La pasarela de los servicios privados dice que su token ha caducado.",
        "Cierre la sesión e iníciela de nuevo. Si continúa, los relojes de los servidores difieren: dígaselo a quienes llevan este sitio.",
    ),
    token_refused: (
        "Su inicio de sesión no fue aceptado",
        "La pasarela de los servicios privados no acepta el token de su inicio de sesión.",
        "Cierre la sesión e iníciela de nuevo. Si continúa, los operadores comparan la RequestAuthentication de la pasarela (emisor, destinatario, claves) con el proyecto de este sitio.",
    ),
    policy_refused: (
        "No puede ver esto",
        "Ha iniciado sesión, pero la política de la pasarela no se lo permite.",
        "Si debería verlo, pregunte a quienes llevan los servicios privados: decide su AuthorizationPolicy.",
    ),
    no_proxy: (
        "El proxy no está en marcha",
        "La puerta de los servicios privados responde, pero detrás no hay ningún proxy.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores arrancan el proxy o miran por qué no arranca.",
    ),
    busy: (
        "Demasiada gente a la vez",
        "La puerta de los servicios privados no tiene capacidad en este momento.",
        "Inténtelo de nuevo en un minuto.",
    ),
    proxy_unreachable: (
        "No se llega al proxy",
        "Esta página no consigue conexión con el proxy que lleva a los servicios privados.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores revisan que el proxy esté en marcha y que PROXY_URL sea su dirección.",
    ),
    gateway_unreachable: (
        "No se llega a la pasarela",
        "Esta página no consigue conexión con la pasarela que lleva a los servicios privados.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores revisan que la pasarela esté en marcha y que PROXY_URL sea su dirección.",
    ),
    gateway_behind_proxy: (
        "No se llega a la pasarela",
        "El proxy responde, pero no llega a tiempo a la pasarela de los servicios privados.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores revisan que la pasarela esté en marcha y que su certificado y el del proxy encajen.",
    ),
    backend_behind_gateway: (
        "No se llega al servicio privado",
        "La pasarela responde, pero no llega a tiempo al servicio privado.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores revisan que el backend esté en marcha.",
    ),
    backend: (
        "El servicio privado no responde",
        "Todo está bien por el camino, pero el servicio que tiene el mensaje está parado, lento o roto.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores miran el backend.",
    ),
    too_slow: (
        "Esto tarda demasiado",
        "Los servicios privados no respondieron a tiempo y esta página dejó de esperar.",
        "Inténtelo de nuevo en un minuto. Si continúa, los operadores encuentran el punto lento con el identificador de traza de abajo.",
    ),
    unexpected: (
        "El servicio privado dio una respuesta extraña",
        "Algo respondió de una manera que esta página no entiende.",
        "Inténtelo de nuevo. Si continúa, los operadores revisan adónde lleva PROXY_URL.",
    ),
    session_too_large: (
        "Su sesión no cabe",
        "Su cuenta lleva más datos de los que un navegador guarda en sus cookies y no se pudo iniciar sesión.",
        "Pida a quienes llevan este sitio que den a su cuenta menos datos propios (custom claims).",
    ),
    no_randomness: (
        "No se pudo proteger su sesión",
        "El servidor no pudo cifrar su sesión y no se inició.",
        "Inténtelo de nuevo en un minuto. Si continúa, dígaselo a quienes llevan este sitio.",
    ),
};

package clients

const insideEnv = "BREAKGLASS_CLIENTS_INSIDE"

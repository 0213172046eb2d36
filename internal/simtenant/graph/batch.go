package graph

import (
	"net/http"

	"breakglass/internal/simtenant/state"
)

func (a *API) batch(w http.ResponseWriter, r *http.Request, version string, who state.Principal) {
	writeError(w, r, a.State.Clock.Now(), http.StatusNotImplemented, "NotImplemented", "batch")
}

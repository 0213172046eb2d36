package graph

import "breakglass/internal/simtenant/state"

func (a *API) directoryRoutes() []route { return nil }

func directoryExpansions() map[string]expansion { return nil }

// computed is the object with the properties that follow from the rest of the tenant.
func (c *call) computed(o state.Object, typ string) state.Object { return o }

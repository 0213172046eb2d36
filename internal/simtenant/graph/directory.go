package graph

func (a *API) directoryRoutes() []route { return nil }

package graph

import "breakglass/internal/simtenant/state"

func (c *call) page(objects []state.Object, typ string) {
	list := make([]any, 0, len(objects))
	for _, o := range objects {
		if c.visible(o) {
			list = append(list, o.Public())
		}
	}
	c.reply(200, map[string]any{"@odata.context": c.api.BaseURL + "/" + c.version + "/$metadata#" + typ, "value": list})
}

func (c *call) single(status int, o state.Object, typ string) { c.reply(status, o.Public()) }

func checkBody(body state.Object, typ string, beta bool) string { return "" }

package login

import (
	"encoding/json"
	"net/http"
	"testing"

	"breakglass/internal/simtenant/state"
)

func TestUserInfoTellsWhoSignedIn(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		for _, g := range d.Objects["oauth2PermissionGrants"] {
			if g.String("clientId") == toolSP && g.String("resourceId") == graphSP {
				g["scope"] = "User.Read openid profile"
			}
		}
	})
	ask := func(scope string) (int, map[string]any, map[string]any) {
		b := w.browser().open(authorizePath("scope", scope)).password("ada@contoso.onmicrosoft.com", adaPassword).submit("stay", "no")
		_, out := w.redeem(b)
		req, _ := http.NewRequest(http.MethodGet, w.web.URL+"/oidc/userinfo", nil)
		req.Header.Set("Authorization", "Bearer "+out["access_token"].(string))
		res, err := w.web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var info map[string]any
		if err := json.NewDecoder(res.Body).Decode(&info); err != nil {
			t.Fatal(err)
		}
		id, _ := w.srv.keys().parse(out["id_token"].(string))
		return res.StatusCode, info, id
	}
	status, info, id := ask("User.Read openid profile")
	if status != http.StatusOK || info["sub"] == nil || info["sub"] != id["sub"] || info["name"] != id["name"] || info["email"] != nil {
		t.Errorf("%d %v, the ID token says %v", status, info, id)
	}
	if status, info, _ := ask("https://management.azure.com/.default openid"); status != http.StatusUnauthorized {
		t.Errorf("with a token for ARM: %d %v", status, info)
	}
	_, daemon := w.ask(daemonForm())
	req, _ := http.NewRequest(http.MethodGet, w.web.URL+"/oidc/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+daemon["access_token"].(string))
	res, err := w.web.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("with an application's token: %d", res.StatusCode)
	}
}

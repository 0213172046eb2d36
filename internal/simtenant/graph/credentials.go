package graph

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the thumbprint that Graph shows is SHA-1
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// credentialRoutes is secrets, keys and owners, alike for applications and service principals.
func credentialRoutes(at string) []route {
	return []route{
		{method: "POST", pattern: at + "/addPassword", need: appWrite, handle: (*call).addPassword},
		{method: "POST", pattern: at + "/removePassword", need: appWrite, handle: (*call).removePassword},
		{method: "POST", pattern: at + "/addKey", need: appWrite, handle: func(c *call) { c.notModelled("addKey with its proof of possession (PATCH keyCredentials instead)") }},
		{method: "POST", pattern: at + "/removeKey", need: appWrite, handle: func(c *call) {
			c.notModelled("removeKey with its proof of possession (PATCH keyCredentials instead)")
		}},
		{method: "GET", pattern: at + "/owners", need: appRead, handle: func(c *call) {
			if o, _, _ := c.holder(); o != nil {
				c.listObjects(c.tx.Linked("owners", o.ID()))
			}
		}},
		{method: "POST", pattern: at + "/owners/$ref", need: appWrite, handle: (*call).addAppOwner},
		{method: "DELETE", pattern: at + "/owners/{member}/$ref", need: appWrite, handle: (*call).removeAppOwner},
	}
}

// holder is the application or service principal that the path names, its collection and type.
func (c *call) holder() (o state.Object, coll, typ string) {
	if strings.HasPrefix(strings.ToLower(c.path), "/serviceprincipals") {
		return c.servicePrincipal(), collPrincipals, "servicePrincipal"
	}
	return c.application(), collApplications, "application"
}

// auditSecrets is the record of credentials changed, whose name differs by the kind.
func (c *call) auditSecrets(o state.Object, typ string) {
	if typ == "servicePrincipal" {
		c.audit("ApplicationManagement", "Update", "Add service principal credentials", logs.Target("ServicePrincipal", o))
		return
	}
	c.audit("ApplicationManagement", "Update", "Update application - Certificates and secrets management", logs.Target("Application", o))
}

// unlocked refuses new credentials on a service principal whose application locks them
// ("Configure app instance property lock").
func (c *call) unlocked(o state.Object, typ string) bool {
	if typ != "servicePrincipal" {
		return true
	}
	lock := byAppID(c.tx, collApplications, o.String("appId")).Object("servicePrincipalLockConfiguration")
	if lock.Bool("isEnabled") && (lock.Bool("allProperties") || lock.Bool("credentialsWithUsageSign") || lock.Bool("credentialsWithUsageVerify")) {
		c.bad("Property keyCredentials or passwordCredentials is locked on the service principal by its application and cannot be modified.")
		return false
	}
	return true
}

func (c *call) addPassword() {
	o, coll, typ := c.holder()
	if o == nil || !c.mayManage(o) || !c.unlocked(o, typ) {
		return
	}
	given := c.body.Object("passwordCredential")
	if bad := checkBody(given, "passwordCredential", c.beta()); bad != "" {
		c.bad(bad)
		return
	}
	if given["secretText"] != nil || given["keyId"] != nil {
		c.bad("Property 'secretText' is read-only and cannot be set.")
		return
	}
	secret := make([]byte, 30)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	cred := AddSecret(c.tx, o, given.String("displayName"), base64.RawURLEncoding.EncodeToString(secret))
	list := elements(o["passwordCredentials"])
	stored := state.Object(list[len(list)-1].(map[string]any)) //nolint:forcetypeassert // AddSecret put it there
	for _, k := range []string{"startDateTime", "endDateTime"} {
		if given.String(k) != "" {
			stored[k], cred[k] = given[k], given[k]
		}
	}
	c.tx.Put(coll, o)
	c.auditSecrets(o, typ)
	body := map[string]any{"@odata.context": c.base() + "/" + c.version + "/$metadata#microsoft.graph.passwordCredential"}
	for k, v := range cred {
		body[k] = v
	}
	c.reply(http.StatusOK, body)
}

func (c *call) removePassword() {
	o, coll, typ := c.holder()
	if o == nil || !c.mayManage(o) {
		return
	}
	id := c.body.String("keyId")
	var left []any
	for _, e := range elements(o["passwordCredentials"]) {
		if member(e, "keyId") != id {
			left = append(left, e)
		}
	}
	if len(left) == len(elements(o["passwordCredentials"])) {
		c.bad("No password credential found with keyId '" + id + "'.")
		return
	}
	o["passwordCredentials"] = left
	if left == nil {
		o["passwordCredentials"] = []any{}
	}
	if secrets := o.Object(state.Secrets); secrets != nil {
		delete(secrets, id)
	}
	c.tx.Put(coll, o)
	c.auditSecrets(o, typ)
	c.noContent()
}

// keepsSecrets refuses a PATCH that would add a client secret; leaving some out removes them.
func (c *call) keepsSecrets(o, b state.Object) bool {
	if _, ok := b["passwordCredentials"]; !ok {
		return true
	}
	for _, e := range elements(b["passwordCredentials"]) {
		id, _ := member(e, "keyId").(string)
		if _, ok := o.Object(state.Secrets)[id]; id == "" || !ok {
			c.bad("New password cannot be set via passwordCredentials: use addPassword.")
			return false
		}
	}
	return true
}

// goodKeys checks keyCredentials and fills in what the service reads from the certificate.
// An entry without its key stands for the one with its keyId that is there already.
func (c *call) goodKeys(o, b state.Object) bool {
	for _, e := range elements(b["keyCredentials"]) {
		k, _ := e.(map[string]any)
		if text, _ := k["key"].(string); text != "" {
			if !c.goodKey(k, text) {
				return false
			}
			continue
		}
		if !keepKey(o, k) {
			c.bad("The value of property 'key' of resource 'KeyCredential' is missing.")
			return false
		}
	}
	return true
}

// keepKey gives an entry the certificate of the stored one with its keyId.
func keepKey(o state.Object, k map[string]any) bool {
	for _, e := range elements(o["keyCredentials"]) {
		if id, _ := member(e, "keyId").(string); id != "" && id == k["keyId"] {
			k["key"] = member(e, "key")
			return true
		}
	}
	return false
}

func (c *call) goodKey(k map[string]any, text string) bool {
	der, err := base64.StdEncoding.DecodeString(text)
	cert, certErr := x509.ParseCertificate(der)
	switch {
	case err != nil || certErr != nil:
		c.bad("Key credential is not a valid certificate.")
		return false
	case k["type"] != "AsymmetricX509Cert" || k["usage"] != "Verify":
		c.bad("Key credential type and usage must be AsymmetricX509Cert and Verify.")
		return false
	case c.now().After(cert.NotAfter):
		c.bad("Key credential end date is invalid.")
		return false
	}
	sum := sha1.Sum(der) //nolint:gosec // the thumbprint that Graph shows is SHA-1
	for name, v := range map[string]any{
		"keyId": state.NewID(), "startDateTime": state.Timestamp(cert.NotBefore), "endDateTime": state.Timestamp(cert.NotAfter),
		"displayName": "CN=" + cert.Subject.CommonName, "customKeyIdentifier": strings.ToUpper(hex.EncodeToString(sum[:])),
	} {
		if k[name] == nil {
			k[name] = v
		}
	}
	end, err := time.Parse(time.RFC3339, state.Object(k).String("endDateTime"))
	if err != nil || end.After(cert.NotAfter.Add(time.Second)) {
		c.bad("Key credential end date is invalid.")
		return false
	}
	return true
}

func (c *call) addAppOwner() {
	o, _, typ := c.holder()
	if o == nil || !c.mayManage(o) {
		return
	}
	owner := c.referred("owners")
	if owner == nil {
		return
	}
	if t := typeOf(owner); t != "user" && t != "servicePrincipal" {
		c.bad("Unsupported referenced-object resource identifier '" + owner.ID() + "'.")
		return
	}
	for _, have := range c.tx.Linked("owners", o.ID()) {
		if strings.EqualFold(have, owner.ID()) {
			c.bad("One or more added object references already exist for the following modified properties: 'owners'.")
			return
		}
	}
	c.tx.Link("owners", o.ID(), owner.ID())
	c.audit("ApplicationManagement", "Assign", "Add owner to "+auditNoun(typ), logs.Target(auditKind(typeOf(owner)), owner), logs.Target(auditKind(typ), o))
	c.noContent()
}

func (c *call) removeAppOwner() {
	o, _, typ := c.holder()
	if o == nil || !c.mayManage(o) {
		return
	}
	if !c.tx.Unlink("owners", o.ID(), c.params["member"]) {
		c.notFound(c.params["member"])
		return
	}
	c.audit("ApplicationManagement", "Unassign", "Remove owner from "+auditNoun(typ), logs.Target("User", state.Object{"id": c.params["member"]}), logs.Target(auditKind(typ), o))
	c.noContent()
}

package contract

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"breakglass/internal/simtenant/graph"
)

// readAll reads everything the simulator serves of one version: lists, members, pages,
// selections, expansions, counts. What comes back is judged by the recorder; what has
// nothing to read in this tenant is given back.
func (w *walk) readAll(c *Contracts, version, who string) {
	for _, op := range (&graph.API{}).Operations() {
		if op.Method != "GET" || op.Beta && version == "v1.0" || strings.HasPrefix(op.Path, "/me") {
			continue
		}
		for _, path := range w.resolve(version, who, op.Path) {
			w.readOne(c, version, who, path)
		}
	}
}

// readable is a pattern as a client writes it: what stands in parentheses is an argument.
func readable(pattern string) string {
	return strings.NewReplacer("({timeout})", "(challengeTimeoutInMinutes=10)", "(on={})", "(on='principal')").Replace(pattern)
}

// resolve puts real keys in a pattern's places, taken from the collections before them;
// among several it prefers those that lead to something.
func (w *walk) resolve(version, who, pattern string) []string {
	if pattern == "/directory/deletedItems" { // Graph lists the deleted of one type only
		pattern += "/microsoft.graph.user"
	}
	prefix, rest, has := strings.Cut(strings.Replace(readable(pattern), "deletedItems/{", "deletedItems/microsoft.graph.user/{", 1), "/{")
	if !has {
		return []string{prefix}
	}
	_, rest, _ = strings.Cut(rest, "}")
	for _, id := range w.keys(version, who, prefix) {
		if done := w.resolve(version, who, prefix+"/"+url.PathEscape(id)+rest); len(done) > 0 {
			return done
		}
	}
	return nil
}

// keys are the ids in a collection, the first few and the last.
func (w *walk) keys(version, who, path string) []string {
	switch path { // Graph has no list of these
	case "/directoryObjects":
		path = "/groups"
	case "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations":
		return []string{"Fido2", "TemporaryAccessPass", "MicrosoftAuthenticator", "X509Certificate", "Sms", "Voice", "SoftwareOath", "Email"}
	}
	cache := version + who + path
	if got, ok := w.ids[cache]; ok {
		return got
	}
	var out []string
	for _, o := range w.do(who, "GET /"+version+demanded(path, ""), "", "ConsistencyLevel", "eventual").list() {
		if id, ok := o["id"].(string); ok {
			out = append(out, id)
		}
	}
	if len(out) > 8 {
		out = append(out[:7:7], out[len(out)-1])
	}
	w.ids[cache] = out
	return out
}

// demands are what Graph refuses to read a path without.
var demands = map[string]string{
	"/policies/roleManagementPolicies":                    "$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'",
	"/policies/roleManagementPolicyAssignments":           "$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'",
	"/roleManagement/directory/transitiveRoleAssignments": "$count=true&$filter=principalId eq '00000000-0000-0000-0000-000000000000'",
}

// demanded is a path with the options that Graph demands for it, and more.
func demanded(path, more string) string {
	all := strings.Split(demands[path], "&")
	for _, option := range strings.Split(more, "&") { // what is asked for wins over what is demanded
		name, _, _ := strings.Cut(option, "=")
		all = slices.DeleteFunc(all, func(o string) bool { return strings.HasPrefix(o, name+"=") || o == "" })
		all = append(all, option)
	}
	return strings.TrimRight(path+"?"+strings.Join(all, "&"), "?&")
}

// readOne reads one path in every way that Graph documents for it.
func (w *walk) readOne(c *Contracts, version, who, path string) {
	at := "GET /" + version + path
	a := w.do(who, "GET /"+version+demanded(path, ""), "", "ConsistencyLevel", "eventual")
	if a.status == 403 && who == operator { // for signed-in people only
		if w.signs {
			w.readOne(c, version, person, path)
		}
		return
	}
	switch {
	case a.status == 501:
		return // the simulator says itself that it does not model this
	case w.free && (a.status == 403 || a.status == 400):
		return // the licence is missing; the error's form has been judged
	case a.status == 404 && strings.HasSuffix(path, "/manager"):
		return // nobody is this one's manager
	}
	if a.status != 200 {
		w.t.Errorf("%s as %s: status %d: %.200s", at, who, a.status, a.raw)
		return
	}
	if !w.thorough {
		return
	}
	m := c.graph[version]
	t, err := m.walk(path)
	if err != nil || m.Types[t.typ] == nil || t.op != nil {
		return // the recorder has said so, or there is nothing to select
	}
	for _, option := range w.options(m, t, a) {
		b := w.do(who, "GET /"+version+demanded(path, option), "", "ConsistencyLevel", "eventual")
		if b.status >= 500 && b.status != 501 {
			w.t.Errorf("%s?%s: status %d: %.200s", at, option, b.status, b.raw)
		}
		for page := 0; page < 3 && b.str("@odata.nextLink") != ""; page++ {
			b = w.want(200, who, "GET "+b.str("@odata.nextLink"), "", "ConsistencyLevel", "eventual")
		}
	}
	if t.coll && m.isA(t.typ, "directoryObject") {
		w.do(who, at+"/$count", "", "ConsistencyLevel", "eventual")
	}
}

// options are query options worth trying on what a path addresses.
func (w *walk) options(m *graphModel, t *target, a answer) []string {
	var out []string
	all := m.selectable(t.typ)
	if _, has := a.body["id"]; t.coll || has {
		out = append(out, "$select=id")
	} else {
		all = slices.DeleteFunc(all, func(name string) bool { return name == "id" })
	}
	if len(all) > 0 {
		out = append(out, "$select="+strings.Join(all, ","))
	}
	for _, nav := range m.navigable(t.typ) {
		out = append(out, "$expand="+nav)
	}
	if !t.coll {
		return out
	}
	out = append(out, "$top=1", "$count=true", "$top=1&$count=true&$select=id")
	for _, o := range a.list() {
		if id, ok := o["id"].(string); ok {
			return append(out, "$filter=id eq '"+strings.ReplaceAll(url.QueryEscape(id), "+", "%20")+"'")
		}
	}
	return out
}

// elsewhere are properties that other services answer for (Exchange, SharePoint).
var elsewhere = regexp.MustCompile(`^(mailboxSettings|aboutMe|birthday|hireDate|interests|mySite|pastProjects|preferredName|responsibilities|schools|skills|print|allowExternalSenders|autoSubscribeNewMembers|isSubscribedByMail|unseen.*|hideFrom.*|isFavorite|isArchived|logo|accessType|deviceEnrollmentLimit)$`)

// selectable are a type's properties that the directory itself answers for.
func (m *graphModel) selectable(typ string) []string {
	var out []string
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		for name, p := range t.Props {
			if p.Src == "" && !elsewhere.MatchString(name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// navigable are a type's navigation properties that the contracts can judge.
func (m *graphModel) navigable(typ string) []string {
	var out []string
	for t := m.Types[typ]; t != nil; t = m.Types[t.Base] {
		for name, p := range t.Nav {
			if p.Src == "" && m.Types[p.Type] != nil && m.Types[p.Type].Kind == "entity" {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

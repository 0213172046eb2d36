package graph

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"breakglass/internal/simtenant/state"
)

const (
	defaultPage = 100
	maxPage     = 999
)

// directoryTypes are the types served by the directory's own query engine, whose advanced
// queries need ConsistencyLevel: eventual and $count=true.
var directoryTypes = map[string]bool{
	"user": true, "group": true, "device": true, "application": true, "servicePrincipal": true,
	"administrativeUnit": true, "directoryObject": true, "orgContact": true,
}

// page answers with the objects that the options ask for, a page at a time.
func (c *call) page(objects []state.Object, typ string) {
	if c.cast != "" {
		objects = slices.DeleteFunc(slices.Clone(objects), func(o state.Object) bool { return !metadata().is(typeOf(o), c.cast) })
		typ = c.cast
	}
	q, err := c.readQuery(typ)
	if err != nil {
		c.badQuery(err)
		return
	}
	seen := objects[:0:0]
	for _, o := range objects {
		if c.visible(o) && (q.filter == nil || q.filter.match(c.computed(o, typ), nil)) {
			seen = append(seen, o)
		}
	}
	q.sort(seen)
	if c.countOnly {
		c.answer.status, c.answer.body = http.StatusOK, plainText(strconv.Itoa(len(seen)))
		return
	}
	start, err := q.after(seen)
	if err != nil {
		c.badQuery(err)
		return
	}
	end := min(start+q.top, len(seen))
	body := map[string]any{"@odata.context": c.context(typ, false), "value": []any{}}
	if q.count {
		body["@odata.count"] = len(seen)
	}
	value := make([]any, 0, end-start)
	for _, o := range seen[start:end] {
		shaped, err := c.shape(o, typ, q.selected, q.expand)
		if err != nil {
			c.badQuery(err)
			return
		}
		value = append(value, map[string]any(shaped))
	}
	body["value"] = value
	if end < len(seen) {
		body["@odata.nextLink"] = c.nextLink(pageToken(seen, end))
	}
	c.reply(http.StatusOK, body)
}

// single answers with one object after $select and $expand.
func (c *call) single(status int, o state.Object, typ string) {
	c.answer.status = status
	if strings.HasSuffix(c.path, "/$count") {
		c.notModelled("$count of a single object")
		return
	}
	q, err := c.readQuery(typ)
	if err == nil && c.r.Method == http.MethodGet && q.filter != nil {
		err = says("The query specified in the URI is not valid. Query options $filter, $orderby, $inlinecount, $skip, and $top can be applied only on collections.")
	}
	if err != nil {
		c.badQuery(err)
		return
	}
	shaped, err := c.shape(o, typ, q.selected, q.expand)
	if err != nil {
		c.badQuery(err)
		return
	}
	out := map[string]any{"@odata.context": c.context(typ, true)}
	maps.Copy(out, shaped)
	c.reply(status, out)
}

// A query is the understood OData options of a request.
type query struct {
	filter   *filter
	selected []string
	expand   []expandItem
	order    []orderItem
	top      int
	token    string
	count    bool
}

type orderItem struct {
	path []string
	desc bool
}

// complaint is a refusal in Graph's own sentence, which is why it looks unlike an error here.
type complaint string

func (c complaint) Error() string { return string(c) }

// says makes a complaint.
func says(format string, args ...any) error { return complaint(fmt.Sprintf(format, args...)) }

// unsupported is a query that Graph understands and refuses.
type unsupported struct{ code, text string }

func (u unsupported) Error() string { return u.text }

// missing is a query that the simulator does not model.
type missing string

func (m missing) Error() string { return string(m) }

func (c *call) badQuery(err error) {
	switch e := err.(type) { //nolint:errorlint // made here, never wrapped
	case unsupported:
		c.fail(http.StatusBadRequest, e.code, e.text)
	case missing:
		c.notModelled(string(e))
	default:
		c.fail(http.StatusBadRequest, "BadRequest", err.Error())
	}
}

// readQuery understands the options for a type, or says why not.
func (c *call) readQuery(typ string) (query, error) {
	q := query{top: defaultPage, token: c.query["skiptoken"], count: strings.EqualFold(c.query["count"], "true")}
	err := c.knownOptions()
	if err != nil {
		return q, err
	}
	if typ == "subscribedSku" { // "List subscribedSkus" takes $select and nothing else
		for _, option := range []string{"filter", "orderby", "top", "expand", "count", "search"} {
			if _, ok := c.query[option]; ok {
				return q, unsupported{"Request_UnsupportedQuery", "The query option '$" + option + "' is not supported for 'subscribedSkus'."}
			}
		}
	}
	if text, ok := c.query["filter"]; ok {
		if q.filter, err = parseFilter(text); err == nil {
			err = q.filter.check(scope{typ: typ, beta: c.beta()})
		}
		if err != nil {
			return q, says("Invalid filter clause: %v", err)
		}
	}
	if q.selected, err = c.readSelect(typ, c.query["select"]); err != nil {
		return q, err
	}
	if q.expand, err = parseExpand(c.query["expand"]); err != nil {
		return q, err
	}
	if q.order, err = c.readOrder(typ); err != nil {
		return q, err
	}
	if text, ok := c.query["top"]; ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxTop(typ) {
			return q, unsupported{"Request_UnsupportedQuery", fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.", text, maxTop(typ))}
		}
		q.top = n
	}
	if _, ok := c.query["skip"]; ok {
		return q, unsupported{"Request_BadRequest", "'$skip' is not supported by the service."}
	}
	return q, c.advanced(typ, q)
}

// knownOptions refuses options that OData has and this does not, options that nobody has, and
// page tokens that were never given out. Parameters without a $ are the caller's own affair.
func (c *call) knownOptions() error {
	for raw, values := range c.r.URL.Query() {
		name, system := strings.CutPrefix(strings.ToLower(raw), "$")
		switch {
		case system && len(values) > 1:
			return says("Query option '%s' was specified more than once, but it must be specified at most once.", raw)
		case !system || slices.Contains(servedOptions, name):
		case name == "format" && strings.HasPrefix(c.query["format"], "application/json"), name == "format" && c.query["format"] == "json":
		case slices.Contains([]string{"apply", "compute", "deltatoken", "format", "index", "schemaversion"}, name):
			return missing("$" + name)
		default:
			return says("The query parameter '%s' is not supported.", raw)
		}
	}
	if token := c.query["skiptoken"]; token != "" {
		if _, ok := readToken(token); !ok {
			return unsupported{"Request_BadRequest", "The specified page token value is invalid."}
		}
	}
	return nil
}

var servedOptions = []string{"select", "filter", "expand", "orderby", "top", "skip", "skiptoken", "count", "search"}

// maxTop: the reports allow a thousand, the directory one less.
func maxTop(typ string) int {
	if directoryTypes[typ] {
		return maxPage
	}
	return maxPage + 1
}

// advanced refuses what only the advanced query engine can do when it was not asked for.
func (c *call) advanced(typ string, q query) error {
	_, search := c.query["search"]
	if !directoryTypes[typ] {
		when := map[string]string{"signIn": "createdDateTime", "directoryAudit": "activityDateTime"}[typ]
		for _, o := range q.order { // the logs sort by when things happened and by nothing else [M]
			if when != "" && !strings.EqualFold(strings.Join(o.path, "/"), when) {
				return unsupported{"Request_UnsupportedQuery", "Sorting by '" + strings.Join(o.path, "/") + "' is not supported."}
			}
		}
		if search {
			return missing("$search of " + typ)
		}
		return nil
	}
	eventual := strings.EqualFold(c.r.Header.Get("ConsistencyLevel"), "eventual")
	op := ""
	if bad := unsortable(q.order, eventual && q.count); bad != "" {
		return unsupported{"Request_UnsupportedQuery", "Sorting not supported for current query."}
	}
	if typ == "user" && q.filter != nil {
		if bad := q.filter.names(unfilterable); bad != "" {
			return unsupported{"Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified for property '" + bad + "' of resource 'User'."}
		}
	}
	if q.filter != nil {
		op = q.filter.advanced()
		if q.filter.uses("contains") {
			return unsupported{"Request_UnsupportedQuery", "Operator 'contains' is not supported."}
		}
	}
	switch {
	case (op != "" || q.filter != nil && len(q.order) > 0) && !(eventual && q.count):
		if op == "" {
			return unsupported{"Request_UnsupportedQuery", "Sorting not supported for current query."}
		}
		return unsupported{"Request_UnsupportedQuery", "Operator '" + op + "' is not supported because the 'ConsistencyLevel:eventual' header is missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information"}
	case (q.count || c.countOnly) && !eventual:
		return unsupported{"Request_BadRequest", "$count is not currently supported."}
	case search && !eventual:
		return unsupported{"Request_UnsupportedQuery", "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'"}
	case search:
		return missing("$search")
	}
	return nil
}

// unfilterable are properties of users that are shown when selected and cannot be filtered
// by ("user resource type": no word on $filter beside them).
var unfilterable = []string{"lastPasswordChangeDateTime", "signInSessionsValidFromDateTime", "passwordProfile", "onPremisesExtensionAttributes"}

// unsortable is the first property that the directory does not sort by (page "Advanced query
// capabilities on Microsoft Entra ID objects", sorting); by when things were made with the
// advanced queries only.
func unsortable(order []orderItem, advanced bool) string {
	for _, o := range order {
		switch name := strings.Join(o.path, "/"); {
		case strings.EqualFold(name, "displayName"), strings.EqualFold(name, "userPrincipalName"):
		case advanced && strings.EqualFold(name, "createdDateTime"):
		default:
			return name
		}
	}
	return ""
}

// readOrder understands $orderby.
func (c *call) readOrder(typ string) ([]orderItem, error) {
	var out []orderItem
	if c.query["orderby"] == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(c.query["orderby"], ",") {
		f := strings.Fields(part)
		if len(f) == 0 || len(f) > 2 || len(f) == 2 && !strings.EqualFold(f[1], "asc") && !strings.EqualFold(f[1], "desc") {
			return nil, says("Invalid orderby clause: Syntax error in '%s'.", part)
		}
		path := strings.Split(f[0], "/")
		if _, err := (scope{typ: typ, beta: c.beta()}).resolve(path); err != nil {
			return nil, says("Invalid orderby clause: %v", err)
		}
		out = append(out, orderItem{path, len(f) == 2 && strings.EqualFold(f[1], "desc")})
	}
	return out, nil
}

func (q query) sort(list []state.Object) {
	if len(q.order) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b state.Object) int {
		for _, o := range q.order {
			n := compareValues(lookup(a, nil, o.path), lookup(b, nil, o.path))
			if o.desc {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
}

// compareValues orders two JSON values of one property; nothing comes first.
func compareValues(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	if f, ok := b.(float64); ok {
		n, _ := compare(a, literal{"number", strconv.FormatFloat(f, 'f', -1, 64)})
		return n
	}
	if t, ok := b.(bool); ok {
		n, _ := compare(a, literal{"bool", strconv.FormatBool(t)})
		return n
	}
	n, _ := compare(a, literal{"string", fmt.Sprint(b)})
	return n
}

// marks is how many objects before a page its token names, the nearest first. As long as
// one of them is left the next page begins right behind it, whatever came or went.
const marks = 16

// pageToken is the token of the page that begins at a place.
func pageToken(list []state.Object, at int) string {
	var ids []string
	for i := at - 1; i >= max(at-marks, 0); i-- {
		ids = append(ids, list[i].ID())
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(ids, "|")))
}

// readToken is the ids that a token names.
func readToken(token string) ([]string, bool) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	ids := strings.Split(string(data), "|")
	return ids, err == nil && !slices.Contains(ids, "") && len(ids) <= marks && !strings.ContainsFunc(string(data), unicode.IsControl)
}

// after is where the page begins: behind the nearest object that the token names. When all
// of them are gone the token is worth nothing: to guess a place could leave objects out.
func (q query) after(list []state.Object) (int, error) {
	if q.token == "" {
		return 0, nil
	}
	ids, _ := readToken(q.token)
	for _, id := range ids {
		if i := slices.IndexFunc(list, func(o state.Object) bool { return o.ID() == id }); i >= 0 {
			return i + 1, nil
		}
	}
	return 0, unsupported{"Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request."}
}

// nextLink is the absolute address of the next page: the same query with a token.
func (c *call) nextLink(token string) string {
	values, _ := url.ParseQuery(c.r.URL.RawQuery)
	values.Del("$skiptoken")
	values.Set("$skiptoken", token)
	return c.base() + "/" + c.version + c.path + "?" + strings.ReplaceAll(values.Encode(), "%24", "$")
}

// base is the address that links begin with: the cloud's own when it was called by that.
func (c *call) base() string {
	if strings.Contains(strings.ToLower(c.r.Host), "graph") {
		return "https://" + c.r.Host
	}
	return c.api.BaseURL
}

// sets are the names that contexts use for collections reached in several ways.
var sets = map[string]string{
	"user": "users", "group": "groups", "device": "devices", "application": "applications", "servicePrincipal": "servicePrincipals",
	"directoryObject": "directoryObjects", "directoryRole": "directoryRoles", "directoryRoleTemplate": "directoryRoleTemplates",
	"domain": "domains", "organization": "organization", "subscribedSku": "subscribedSkus", "oAuth2PermissionGrant": "oauth2PermissionGrants",
	"administrativeUnit": "directory/administrativeUnits",
}

// named is whether a segment of the path is the key of something, not a name of the model's.
func (c *call) named(segment string) bool {
	segment, err := url.PathUnescape(segment)
	for _, v := range c.params {
		if err == nil && v == segment {
			return true
		}
	}
	return false
}

// context is the answer's @odata.context.
func (c *call) context(typ string, entity bool) string {
	set, ok := sets[typ]
	if !ok {
		set = identifierSegment.ReplaceAllString(strings.Trim(c.path, "/"), "('$1')")
		if entity && c.answer.status != http.StatusCreated { // a new object's address is not the path
			if whole, last := cutLast(strings.Trim(c.path, "/")); c.named(last) {
				set = whole
			} else {
				set = strings.Trim(c.path, "/") // a thing of which there is one
			}
			set = identifierSegment.ReplaceAllString(set, "('$1')")
		}
	}
	if s := c.query["select"]; s != "" {
		set += "(" + strings.ReplaceAll(s, " ", "") + ")"
	}
	if entity {
		set += "/$entity"
	}
	return c.base() + "/" + c.version + "/$metadata#" + set
}

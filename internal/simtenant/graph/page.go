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
	start := q.after(seen)
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
		body["@odata.nextLink"] = c.nextLink(end, seen[end-1].ID())
	}
	c.reply(http.StatusOK, body)
}

// single answers with one object after $select and $expand.
func (c *call) single(status int, o state.Object, typ string) {
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
	var err error
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
		if search {
			return missing("$search of " + typ)
		}
		return nil
	}
	eventual := strings.EqualFold(c.r.Header.Get("ConsistencyLevel"), "eventual")
	op := ""
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

// after is where the page begins: behind the object that the token names, or where it
// stood when it is gone.
func (q query) after(list []state.Object) int {
	if q.token == "" {
		return 0
	}
	data, err := base64.RawURLEncoding.DecodeString(q.token)
	at, id, ok := strings.Cut(string(data), "|")
	n, nerr := strconv.Atoi(at)
	if err != nil || !ok || nerr != nil || n < 0 {
		return 0
	}
	for i, o := range list {
		if o.ID() == id {
			return i + 1
		}
	}
	return min(n, len(list))
}

// nextLink is the absolute address of the next page: the same query with a token.
func (c *call) nextLink(at int, last string) string {
	values, _ := url.ParseQuery(c.r.URL.RawQuery)
	values.Del("$skiptoken")
	values.Set("$skiptoken", base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%s", at, last)))
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

// context is the answer's @odata.context.
func (c *call) context(typ string, entity bool) string {
	set, ok := sets[typ]
	if !ok {
		set = identifierSegment.ReplaceAllString(strings.Trim(c.path, "/"), "('$1')")
		if entity {
			set, _ = cutLast(strings.Trim(c.path, "/"))
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

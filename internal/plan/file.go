package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// maxFile bounds a plan file: a tenant has at most 240 policies, a plan far fewer steps than
// this holds.
const maxFile = 16 << 20

// FileError is a plan file that cannot be used, with the place in it. Line and Column count
// from 1; they are 0 where the file as a whole is meant.
type FileError struct {
	Name         string
	Line, Column int
	Reason       string
}

// Error is file:line:column and the reason.
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Name + ": " + e.Reason
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Reason)
}

// Hint is the next step.
func (e *FileError) Hint() string {
	return "a plan file is never edited: make it again with `breakglass plan --out FILE`"
}

// Encode is the plan file (docs/plan.md), indented.
func (p *Plan) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("encode the plan: %w", err)
	}
	return b.Bytes(), nil
}

// Decode reads a plan file strictly: unknown and repeated members, wrong types, requests that
// no plan holds and steps in an impossible order are errors (*FileError) with line and
// column. name stands before them.
func Decode(name string, data []byte) (*Plan, error) {
	f := &file{name: name, data: data}
	if len(data) > maxFile {
		return nil, &FileError{Name: name, Reason: fmt.Sprintf("larger than %d MiB: not a plan file", maxFile>>20)}
	}
	if err := f.strict(); err != nil {
		return nil, err
	}
	p := new(Plan)
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(p); err != nil {
		return nil, f.located(err)
	}
	if err := p.validate(); err != nil {
		return nil, &FileError{Name: name, Reason: err.Error()}
	}
	return p, nil
}

// file is a plan file that is being read.
type file struct {
	name string
	data []byte
}

// at makes an error of a place.
func (f *file) at(offset int64, format string, args ...any) error {
	before := f.data[:max(0, min(offset, int64(len(f.data))))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return &FileError{Name: f.name, Line: line, Column: column, Reason: fmt.Sprintf(format, args...)}
}

func (f *file) located(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return f.at(syntax.Offset-1, "not JSON: %v", syntax)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return f.at(kind.Offset-1, "%s: %s is wrong here, it must be %s", kind.Field, kind.Value, kind.Type)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return f.at(int64(len(f.data)), "the file ends in the middle")
	}
	return f.at(0, "%v", err)
}

// validate holds what no type can say. The file may have been edited or cut: what passes
// here can do to the tenant nothing but what Make could have planned for some tenant.
func (p *Plan) validate() error {
	switch {
	case p.Format != Format:
		return fmt.Errorf("format is %q, not %q: another kind of file", p.Format, Format)
	case p.Version != FormatVersion:
		return fmt.Errorf("version %d of the format; this program reads version %d", p.Version, FormatVersion)
	case p.TenantID == "":
		return errors.New("no tenantId")
	case p.Steps == nil || p.Accounts == nil:
		return errors.New("steps and accounts must be lists, [] when empty")
	}
	seen := map[string]int{}
	made := map[string]bool{}
	for i, st := range p.Steps {
		if err := p.validateStep(st, seen, made); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, st.ID, err)
		}
		seen[st.ID] = i
		if st.Creates != "" {
			made[st.Creates] = true
		}
	}
	for i, st := range p.Steps {
		for _, o := range st.Only {
			if j, ok := seen[o]; !ok || j <= i {
				return fmt.Errorf("step %d (%s): onlyFor names %q, which does not come after it", i+1, st.ID, o)
			}
		}
	}
	return nil
}

func (p *Plan) validateStep(st Step, seen map[string]int, made map[string]bool) error {
	if st.ID == "" || st.Sentence == "" {
		return errors.New("no id, or no sentence")
	}
	if _, twice := seen[st.ID]; twice {
		return errors.New("the same id twice")
	}
	for _, a := range st.After {
		if _, ok := seen[a]; !ok {
			return fmt.Errorf("it comes after %q, which is not before it", a)
		}
	}
	for _, ph := range placeholdersIn(st) {
		if !made[ph] && ph != st.Creates {
			return fmt.Errorf("%s stands for an object that no earlier step creates", ph)
		}
	}
	_, c, err := match(st.Request)
	if err != nil {
		return err
	}
	if !c.spelled(st.Request.Body) {
		return errors.New("its body is not spelled as a plan spells it")
	}
	if err := p.validateTarget(c, st); err != nil {
		return err
	}
	if isCreate := st.Request.Method == "POST" && slices.Contains([]string{pathUsers, pathGroups, pathUnits}, st.Request.Path); isCreate != (placeholder.FindString(st.Creates) == st.Creates && st.Creates != "") {
		return errors.New("creates must name the placeholder of what the request creates, and only then")
	}
	if v := st.Verify.Request; v.Method != "GET" || len(v.Body) > 0 || (v.Version != "v1.0" && v.Version != "beta") || !strings.HasPrefix(v.Path, "/") {
		return errors.New("verify must be a GET")
	}
	if len(st.Verify.Conditions) == 0 || slices.ContainsFunc(st.Verify.Conditions, Condition.empty) {
		return errors.New("nothing proves it")
	}
	return nil
}

// spelled says whether the body has just the members that we understood of it: names match in
// any letter case when a body is read, and what we read over the service might not.
func (c *change) spelled(sent json.RawMessage) bool {
	if c.body == nil {
		return true
	}
	return reflect.DeepEqual(decoded(sent), decoded(body(c.body)))
}

// validateTarget refuses requests about others than the plan's accounts.
func (p *Plan) validateTarget(c *change, st Step) error {
	ours := func(id string) bool {
		return slices.ContainsFunc(p.Accounts, func(a Account) bool { return strings.EqualFold(a.Object, id) })
	}
	switch b := c.body.(type) {
	case *userBody:
		if len(c.params) > 0 && !ours(c.params[0]) {
			return fmt.Errorf("%s is not an account of this plan", c.params[0])
		}
	case *mfaBody:
		if !ours(c.params[0]) {
			return fmt.Errorf("%s is not an account of this plan", c.params[0])
		}
	case *scheduleBody:
		if !ours(b.PrincipalID) {
			return fmt.Errorf("%s is not an account of this plan", b.PrincipalID)
		}
	case *assignmentBody:
		if !ours(b.PrincipalID) {
			return fmt.Errorf("%s is not an account of this plan", b.PrincipalID)
		}
	case *refBody:
		// Into a unit goes the exclusion group too, which a plan need not name otherwise.
		if strings.HasPrefix(st.Request.Path, pathGroups) && !ours(b.target()) {
			return fmt.Errorf("%s is not an account of this plan", b.target())
		}
	case *policyBody:
		users, groups := joined(st)
		for _, id := range append(users, groups...) {
			if !ours(id) && (p.Group == "" || id != p.Group) {
				return fmt.Errorf("%s is neither an account nor the exclusion group of this plan", id)
			}
		}
	}
	return nil
}

// placeholdersIn are the placeholders that a step sends.
func placeholdersIn(st Step) []string {
	return placeholder.FindAllString(st.Request.Path+" "+string(st.Request.Body), -1)
}

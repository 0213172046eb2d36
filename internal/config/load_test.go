package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const minimal = `version: 1
tenant:
  id: 72F988BF-86f1-41af-91ab-2d7cd011db47
  initial_domain: Contoso.onmicrosoft.com
accounts:
  - id: amber
    user_principal_name: k7-orchard-52@contoso.onmicrosoft.com
    display_name: Orchard 52
`

func good(t testing.TB) *Desired {
	t.Helper()
	d, err := Load("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLeftOutKeysHaveTheirDefaults(t *testing.T) {
	d, err := Parse("plan", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	want := &Desired{
		Version: 1,
		Tenant: Tenant{
			ID: "72f988bf-86f1-41af-91ab-2d7cd011db47", InitialDomain: "contoso.onmicrosoft.com",
			Cloud: "public", Profile: "standard",
		},
		Accounts: []Account{{
			ID: "amber", UserPrincipalName: "k7-orchard-52@contoso.onmicrosoft.com", DisplayName: "Orchard 52",
			Posture: PostureExcluded, Password: PasswordSealed,
		}},
		ConditionalAccess: ConditionalAccess{ManagedBy: "breakglass"},
		Cadences:          Cadences{Rotate: 90, Drill: 90, Inventory: 90, Review: 30},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestEveryMistakeOfAFileIsToldAtOnceWithItsPlace(t *testing.T) {
	_, err := Parse("breakglass.yaml", []byte(`version: 1
tenant: {id: 72f988bf, initial_domian: contoso.onmicrosoft.com, cloud: publik}
accounts:
  - id: a
    id: b
    userPrincipalName: x@y.z
    display_name: 2024-01-01
    quorum: {locations: 010, weight: 3, sheets: []}
    keys: foo
    password: seeled
  - id: c
    user_principal_name: ends-in-dot.@contoso.onmicrosoft.com
    display_name:
    quorum:
    - locations: 2
locations:
  - {id: l, code: k7}
  - {id: l, code: K8, access: anna}
exclusion_group: {display_name: g, mail_nickname: "a b"}
restricted_unit: {display_name: u, accounts: yes}
cadences: {rotate: 3 months}
`))
	want := []string{
		`2:14: tenant.id: "72f988bf" does not fit`,
		`2:24: tenant.initial_domian: unknown key; did you mean initial_domain?`,
		`2:72: tenant.cloud: "publik" is not a value of this key; it needs one of public, usgov-l4, usgov-l5, china, other; did you mean public?`,
		`5:5: accounts[0].id: the key is here twice, first in line 4`,
		`6:5: accounts[0].userPrincipalName: unknown key; did you mean user_principal_name?`,
		`7:19: accounts[0].display_name: "2024-01-01" is read as a date, not as text; put it in quotes`,
		`8:25: accounts[0].quorum.locations: "010" is a number; it needs a whole number from 1 to 16`,
		`8:30: accounts[0].quorum.weight: unknown key; SLIP-0039 has no weights`,
		`8:49: accounts[0].quorum.sheets: the list is empty`,
		`9:11: accounts[0].keys: "foo" is text, not a list; begin each entry with a dash`,
		`10:15: accounts[0].password: "seeled" is not a value of this key; it needs one of sealed, unknown; did you mean sealed?`,
		`12:26: accounts[1].user_principal_name: "ends-in-dot.@contoso.onmicrosoft.com" does not fit`,
		`13:18: accounts[1].display_name: has no value`,
		`15:5: accounts[1].quorum: this is a list, not a group of keys`,
		`17:19: locations[0].code: "k7" does not fit`,
		`18:10: locations[1].id: "l" stands here twice, first in line 17`,
		`18:31: locations[1].access: "anna" is text, not a list`,
		`19:51: exclusion_group.mail_nickname: "a b" does not fit`,
		`20:46: restricted_unit.accounts: "yes" is`,
		`21:20: cadences.rotate: "3 months" does not fit; it needs a number of days like 90d`,
	}
	errs, ok := errors.AsType[Errors](err)
	if !ok {
		t.Fatalf("got %v, want Errors", err)
	}
	for i, w := range want {
		if i >= len(errs) || !strings.HasPrefix(errs[i].Error(), "breakglass.yaml:"+w) {
			t.Errorf("error %d does not begin with %q", i, w)
		}
	}
	if len(errs) != len(want) {
		t.Errorf("got %d errors, want %d:\n%v", len(errs), len(want), errs)
	}
	if errs.Hint() == "" || errs.ExitCode() != 2 {
		t.Error("a bad file needs a next step and exit code 2")
	}
}

func TestAFileThatIsNoPlanIsRefusedInWordsThatHelp(t *testing.T) {
	bomb := "version: 1\napprovers: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
	for name, c := range map[string]struct{ in, want string }{
		"empty":               {"", "plan:1:1: the file is empty"},
		"only a comment":      {"# nothing\n", "plan:1:1: the file is empty"},
		"only dashes":         {"---\n", "there is no value, not a group of keys"},
		"a list":              {"- a\n", "plan:1:1: this is a list, not a group of keys"},
		"prose":               {"hello", `"hello" is text, not a group of keys`},
		"JSON cut short":      {`{"version": 1, `, "plan:1:1:"},
		"a tab":               {"version: 1\ntenant:\n\tid: x\n", "plan:3:1: found character that cannot start any token"},
		"NUL":                 {"version: 1\nten\x00ant:\n", "plan:2:4: there is a NUL byte"},
		"UTF-16":              {"\xff\xfev\x00e\x00", "the file is UTF-16; save it as UTF-8"},
		"Latin-1":             {"version: 1\n# caf\xe9\n", "plan:2:6: this is not UTF-8"},
		"too large":           {strings.Repeat("#\n", maxFile), "larger than 1 MiB"},
		"an alias bomb":       {bomb, "is an anchor"},
		"an alias to nothing": {minimal + "approvers: *gone\n", "plan:9:1: unknown anchor 'gone' referenced"},
		"an alias":            {minimal + "approvers: &p [a]\ncustodians: *p\n", "plan:10:13: custodians: *p is an alias; write the value out"},
		"a merge key":         {minimal + "<<: {approvers: [a]}\n", "merge keys are not followed"},
		"a tag":               {minimal + "approvers: !!set {a}\n", "the tag !!set is not understood"},
		"two documents":       {minimal + "---\n" + minimal, "a second document begins here"},
		"a broken second":     {minimal + "---\n\t\n", "plan:"},
		"another version":     {strings.Replace(minimal, "version: 1", "version: 2", 1), "plan:1:10: version: 2 is out of bounds"},
		"no tenant":           {"version: 1\naccounts: []\n", "tenant: this key is missing"},
		"deep nesting":        {strings.Repeat("[", 200_000), "exceeded max depth"},
		"the nil tenant":      {strings.Replace(minimal, "72F988BF-86f1-41af-91ab-2d7cd011db47", nilGUID, 1), "not all zeros"},
		"a hidden character":  {strings.Replace(minimal, "Orchard 52", "Orchard\u202e52", 1), "control or direction character"},
		"a person's address":  {minimal + "approvers: [anna@contoso.com]\n", "names and addresses belong in people.age"},
		"a duty of no name":   {minimal + "duties: {implment: {owner: a}}\n", "duties.implment: unknown key; did you mean implement?"},
		"a key that is a map": {minimal + "? {a: b}\n: c\n", "the key is not a plain word"},
		"an id twice":         {minimal + "custodians: [a, b, a]\n", `custodians[2]: "a" stands here twice, first in line 9`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("plan", []byte(c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a message with %q", err, c.want)
			}
		})
	}
}

func TestNamesOfUsersFollowTheDirectorysRules(t *testing.T) {
	for name, right := range map[string]bool{
		"a@b.c":                           true,
		"it's_a-name!#^~.x@contoso.com":   true,
		strings.Repeat("a", 64) + "@b.cd": true,
		strings.Repeat("a", 65) + "@b.cd": false,
		"a@" + strings.Repeat("b", 48):    true,
		"a@" + strings.Repeat("b", 49):    false,
		"a.@b.c":                          false,
		"a b@c.d":                         false,
		"ä@b.c":                           false,
		"a@@b.c":                          false,
		"@b.c":                            false,
		"a":                               false,
		"a/b@c.d":                         false,
	} {
		in := strings.Replace(minimal, "k7-orchard-52@contoso.onmicrosoft.com", `"`+name+`"`, 1)
		if _, err := Parse("plan", []byte(in)); (err == nil) != right {
			t.Errorf("%q: got %v, want right %v", name, err, right)
		}
	}
}

func TestALongListOfErrorsIsCut(t *testing.T) {
	_, err := Parse("plan", []byte(strings.Repeat("- ", 1)+strings.Repeat("x", 3)))
	if err == nil {
		t.Fatal("a list was accepted")
	}
	var many strings.Builder
	for i := range 100 {
		many.WriteString("key" + strings.Repeat("x", i) + ": 1\n")
	}
	_, err = Parse("plan", []byte(many.String()))
	if lines := strings.Split(err.Error(), "\n"); len(lines) != maxShown+1 || !strings.HasPrefix(lines[maxShown], "and ") {
		t.Errorf("got %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestAFileThatIsMissingIsNotABadFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want a missing file", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory was read as a plan")
	}
}

func TestAProblemIsFoundInItsFile(t *testing.T) {
	data := []byte(minimal + "locations:\n  - {id: l-1, code: K7}\n")
	for path, want := range map[string][2]int{
		"accounts[0].display_name": {8, 5},
		"accounts[0].quorum":       {6, 5},
		"accounts":                 {5, 1},
		"locations[0].code":        {10, 15},
		"locations[7]":             {9, 1},
		"custodians":               {1, 1},
		"":                         {1, 1},
	} {
		if line, column := Locate(data, path); line != want[0] || column != want[1] {
			t.Errorf("%s: got %d:%d, want %d:%d", path, line, column, want[0], want[1])
		}
	}
}

// The table and the structs say the same: a key in one and not in the other would be
// checked and then lost, or decoded unchecked.
func TestTheTableAndTheStructsAgree(t *testing.T) {
	agree(t, "", fileShape, reflect.TypeFor[Desired]())
	agree(t, "people.age", peopleFileShape, reflect.TypeFor[People]())
}

func agree(t *testing.T, path string, s shape, typ reflect.Type) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	kinds := map[kind][]reflect.Kind{
		kindObject: {reflect.Struct}, kindList: {reflect.Slice}, kindMap: {reflect.Map},
		kindText: {reflect.String}, kindInteger: {reflect.Int}, kindBoolean: {reflect.Bool},
	}
	if typ != reflect.TypeFor[Days]() && !slices.Contains(kinds[s.kind], typ.Kind()) {
		t.Errorf("%s: the table has %s, the struct %s", path, s.kind, typ)
		return
	}
	switch s.kind {
	case kindList, kindMap:
		agree(t, path+"[]", *s.item, typ.Elem())
	case kindObject:
		var keys []string
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			keys = append(keys, key)
			if item, ok := s.field(key); !ok {
				t.Errorf("%s.%s is in the struct and not in the table", path, key)
			} else {
				agree(t, path+"."+key, item.shape, f.Type)
			}
			if j, _, _ := strings.Cut(f.Tag.Get("json"), ","); j != key {
				t.Errorf("%s.%s is called %s in JSON", path, key, j)
			}
		}
		for _, name := range s.names() {
			if !slices.Contains(keys, name) {
				t.Errorf("%s.%s is in the table and not in the struct", path, name)
			}
		}
	}
}

func TestEveryKeyIsExplained(t *testing.T) {
	var visit func(path string, s shape)
	visit = func(path string, s shape) {
		if s.item != nil {
			visit(path+"[]", *s.item)
		}
		for _, f := range s.fields {
			if !strings.HasSuffix(f.doc, ".") {
				t.Errorf("%s.%s: %q is no sentence", path, f.key, f.doc)
			}
			visit(path+"."+f.key, f.shape)
		}
	}
	visit("", fileShape)
	visit("people.age", peopleFileShape)
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(minimal))
	f.Add([]byte("version: 1\ntenant: *x\n"))
	f.Add([]byte("? [a]\n: b\n---\n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse("plan", data)
		if err != nil {
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, "plan:") && !strings.HasPrefix(line, "and ") {
					t.Fatalf("an error without its place: %q", line)
				}
			}
			return
		}
		Lint(d)
		again, err := yaml.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		d2, err := Parse("again", again)
		if err != nil {
			t.Fatalf("what was accepted is refused when written again: %v\n%s", err, again)
		}
		if diff := cmp.Diff(d, d2); diff != "" {
			t.Fatalf("written and read again it differs:\n%s", diff)
		}
	})
}

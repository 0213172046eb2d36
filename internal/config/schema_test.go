package config

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the published schema and the printed docs anew")

// same compares a published file with what the table says now.
func same(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says: run go test ./internal/config -update, and read the difference", path)
	}
}

func TestThePublishedSchemaIsTheTables(t *testing.T) {
	same(t, "../../schema/breakglass.schema.json", Schema())
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// plainValue is a YAML file as JSON has it, so that the schema can judge it.
func plainValue(data []byte) (any, error) {
	var v any
	if err := yaml.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return v, nil
}

func TestTheSchemaTakesTheGoodPlanAndRefusesTheBad(t *testing.T) {
	s := compiled(t)
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		in    string
		right bool
	}{
		"the good plan": {string(data), true}, "the least plan": {minimal, true},
		"an unknown key": {minimal + "custodian: [a]\n", false},
		"a bad GUID":     {strings.Replace(minimal, "72F988BF-", "", 1), false},
		"the nil GUID":   {strings.Replace(minimal, "72F988BF-86f1-41af-91ab-2d7cd011db47", nilGUID, 1), false},
		"a bad duty":     {minimal + "duties: {implment: {owner: a}}\n", false},
	} {
		v, err := plainValue([]byte(c.in))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != c.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An editor with the schema and the loader must agree on every value of every key.
func TestTheSchemaAndTheLoaderAgree(t *testing.T) {
	s := compiled(t)
	data, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	odd := []any{
		"", "x", "X1", "a b", "a@b.c", "90d", "0d", "DE", "sealed", "breakglass", nilGUID, "72f988bf-86f1-41af-91ab-2d7cd011db47",
		0, 1, 17, -3, 2.5, true, nil,
		[]any{},
		[]any{"a"},
		map[string]any{},
		map[string]any{"owner": "a"},
		strings.Repeat("x", 2000),
	}
	rapid.Check(t, func(t *rapid.T) {
		var doc yaml.Node
		if err := yaml.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		change(t, doc.Content[0], odd)
		in, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		v, err := plainValue(in)
		if err != nil {
			t.Skip("the change made a duplicate key")
		}
		_, loads := Parse("plan", in)
		if loads != nil && strings.Contains(loads.Error(), "twice") {
			t.Skip("duplicates are not the schema's")
		}
		if valid := s.Validate(v); (valid == nil) != (loads == nil) {
			t.Fatalf("the schema says %v\nthe loader says %v\n%s", valid, loads, in)
		}
	})
}

// change puts an odd value in one place, or takes a key away, or adds one.
func change(t *rapid.T, n *yaml.Node, odd []any) {
	for {
		var children []*yaml.Node
		for i, c := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				children = append(children, c)
			}
		}
		if len(children) > 0 && rapid.IntRange(0, 5).Draw(t, "deeper") > 0 {
			n = rapid.SampledFrom(children).Draw(t, "child")
			continue
		}
		break
	}
	switch i := rapid.IntRange(0, 2).Draw(t, "how"); {
	case i == 0 && n.Kind == yaml.MappingNode && len(n.Content) > 1:
		at := 2 * rapid.IntRange(0, len(n.Content)/2-1).Draw(t, "key")
		n.Content = append(n.Content[:at], n.Content[at+2:]...)
	case i == 1 && n.Kind == yaml.MappingNode:
		var k, v yaml.Node
		k.SetString(rapid.SampledFrom([]string{"settings", "to", "pin", "people", "extra", "policy", "must_include"}).Draw(t, "new key"))
		_ = v.Encode(rapid.SampledFrom(odd).Draw(t, "value"))
		n.Content = append(n.Content, &k, &v)
	default:
		var v yaml.Node
		if err := v.Encode(rapid.SampledFrom(odd).Draw(t, "value")); err != nil {
			panic(fmt.Sprint("an odd value does not encode: ", err))
		}
		*n = v
	}
}

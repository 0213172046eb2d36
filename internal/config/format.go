package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format writes a plan as breakglass.yaml, each section under a comment that says what it
// is for; sections that the plan does not use are shown as examples, commented out. What it
// writes, Parse reads back as the same plan.
func Format(d *Desired) ([]byte, error) {
	var whole yaml.Node
	if err := whole.Encode(d); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	var out bytes.Buffer
	out.WriteString(comment("What emergency access to this tenant is to be like. It belongs in git: no secret, no name, no address and no telephone number is in it; those are in people.age. After a change: breakglass config lint, then breakglass plan. For an editor's help: breakglass config schema."))
	for _, f := range fileShape.fields {
		out.WriteString("\n" + comment(f.doc))
		value := valueOf(&whole, f.key)
		if value == nil {
			out.WriteString(commentedOut(f.example))
			continue
		}
		explain(value, f.shape)
		if err := section(&out, f.key, value); err != nil {
			return nil, err
		}
		if f.key == "accounts" && !slices.ContainsFunc(d.Accounts, func(a Account) bool { return a.Quorum != nil || len(a.Keys) > 0 }) {
			out.WriteString(comment("Once custodians and locations are named, each account says who keeps what:") + commentedOut(accountExample))
		}
	}
	return out.Bytes(), nil
}

func section(out *bytes.Buffer, key string, value *yaml.Node) error {
	var name yaml.Node
	name.SetString(key)
	enc := yaml.NewEncoder(out)
	enc.SetIndent(2)
	if err := enc.Encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{&name, value}}); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return enc.Close()
}

// explain puts the manual above the keys of an object, of a list above its first entry only.
func explain(n *yaml.Node, s shape) {
	if s.kind == kindList && s.item.kind == kindObject && len(n.Content) > 0 {
		explain(n.Content[0], *s.item)
		return
	}
	if s.kind != kindObject || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f, ok := s.field(n.Content[i].Value)
		if !ok {
			continue
		}
		n.Content[i].HeadComment = strings.TrimSuffix(comment(f.doc), "\n")
		if f.shape.kind == kindObject {
			explain(n.Content[i+1], f.shape)
		}
	}
}

// accountExample is what an account gets once the people are named.
const accountExample = `    quorum:
      locations: 2
      sheets:
        - {location: l-1, need: 1, custodians: [p-01]}
        - {location: l-2, need: 1, custodians: [p-02]}
        - {location: l-3, need: 1, custodians: [p-03]}
    keys:
      - id: key-1
        location: l-1
        pin:
          locations: 2
          sheets:
            - {location: l-1, need: 1, custodians: [p-01]}
            - {location: l-2, need: 1, custodians: [p-02]}
            - {location: l-3, need: 1, custodians: [p-03]}`

const commentWidth = 96

// comment is a text as comment lines.
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for _, word := range strings.Fields(text) {
		if len(line)+1+len(word) > commentWidth {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

func commentedOut(example string) string {
	if example == "" {
		return ""
	}
	return "#\n# " + strings.ReplaceAll(example, "\n", "\n# ") + "\n"
}

package config

import (
	"encoding/json"
)

// schemaID names the schema; it is not an address.
const schemaID = "urn:breakglass:configuration:1"

// Schema is the JSON Schema (2020-12) of breakglass.yaml, for editors. It says what the
// loader says, but for what JSON Schema has no words for: duplicate keys and ids, anchors,
// several documents, hidden characters.
func Schema() []byte {
	s := fileShape.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = schemaID
	s["title"] = "breakglass.yaml"
	s["description"] = "What emergency access to one Microsoft Entra tenant is to be like."
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("the schema is a fixed value that encodes: " + err.Error())
	}
	return append(out, '\n')
}

func (s shape) schema() map[string]any {
	switch s.kind {
	case kindObject:
		return s.objectSchema()
	case kindMap:
		return s.mapSchema()
	case kindList:
		m := map[string]any{"type": "array", "items": s.item.schema()}
		bound(m, "minItems", s.min)
		bound(m, "maxItems", s.max)
		return m
	case kindInteger:
		return map[string]any{"type": "integer", "minimum": s.min, "maximum": s.max}
	case kindBoolean:
		return map[string]any{"type": "boolean"}
	}
	return s.textSchema()
}

func bound(m map[string]any, key string, n int) {
	if n > 0 {
		m[key] = n
	}
}

func (s shape) objectSchema() map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range s.fields {
		p := f.shape.schema()
		p["description"] = f.doc
		if f.standard != "" {
			p["default"] = f.standard
			if f.shape.kind == kindBoolean {
				p["default"] = f.standard == "true"
			}
		}
		properties[f.key] = p
		if f.required {
			required = append(required, f.key)
		}
	}
	m := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if required != nil {
		m["required"] = required
	}
	return m
}

func (s shape) mapSchema() map[string]any {
	m := map[string]any{"type": "object", "additionalProperties": s.item.schema()}
	if s.keys != nil {
		m["propertyNames"] = map[string]any{"enum": s.keys}
	} else {
		m["propertyNames"] = map[string]any{"pattern": s.pattern}
	}
	return m
}

func (s shape) textSchema() map[string]any {
	m := map[string]any{"type": "string"}
	if len(s.enum) > 0 {
		m["enum"] = s.enum
		return m
	}
	m["minLength"] = 1
	bound(m, "maxLength", s.max)
	if s.pattern != "" {
		m["pattern"] = s.pattern
	}
	if len(s.never) > 0 {
		m["not"] = map[string]any{"enum": s.never}
	}
	return m
}

package contract

// The kinds of problem. They are what exceptions and tests compare, so they do not change.
const (
	// Addressing.
	notCovered       = "not-covered"       // no Graph or ARM call at all, or a type the contracts leave out
	unknownPath      = "unknown-path"      // a segment that the model does not have
	pathCase         = "path-case"         // a segment written in another case than the model's
	noOperation      = "no-operation"      // the path exists, but Microsoft's table knows no call on it
	methodNotAllowed = "method"            // the path has calls, but not with this method
	badReference     = "reference"         // $ref missing, superfluous, or naming what does not exist
	unknownVersion   = "api-version"       // ARM api-version missing or not described for the type
	wrongScope       = "scope"             // an ARM resource addressed at a scope it does not exist at
	badQuery         = "query"             // a query option that is unknown, malformed or out of place
	needsConsistency = "consistency-level" // an advanced query without ConsistencyLevel: eventual
	badBatch         = "batch"             // a $batch envelope that breaks its rules

	// Bodies.
	badJSON         = "json"             // not JSON where JSON belongs, or a body where none belongs
	badHeader       = "header"           // a header that is missing or wrong
	unknownProperty = "unknown-property" // a name that the type does not have
	unknownType     = "unknown-type"     // an @odata.type or discriminator that is unknown, or not derived from what is expected
	missingType     = "missing-type"     // an abstract type without @odata.type
	wrongType       = "wrong-type"       // a value of another JSON or primitive type
	unknownMember   = "unknown-enum"     // an enum member that is not described
	nullValue       = "null"             // null where the property cannot be null
	readOnly        = "read-only"        // a request writes what only the service writes
	missingProperty = "missing-property" // a required or selected property is absent
	notSelected     = "not-selected"     // an answer holds what $select left out or a default answer never holds
	notExpanded     = "not-expanded"     // an answer holds a navigation property nobody asked for
	badShape        = "shape"            // the envelope: context, value, nextLink, error form
	badStatus       = "status"           // a status code that does not go with the method
)

package httpapi

import _ "embed"

// OpenAPI describes the API to machines, as OpenAPI 3.0 in YAML. A binary that does
// not use it does not carry it.
//
//go:embed openapi.yaml
var OpenAPI string

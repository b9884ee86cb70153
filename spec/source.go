package spec

import "embed"

// Sources is the Go source of the types that manifests are written in. The comments on their fields are the documentation of the
// fields, in the schema and in the reference too, so that there is one text and no second to forget.
//
//go:embed object.go container.go container_io.go probe.go resources.go rollout.go network.go job.go notification.go
var Sources embed.FS

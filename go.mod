module phoneverify

go 1.26.0

require github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common v1.3.210

require (
	github.com/rogpeppe/go-internal v1.16.0
	golang.org/x/sys v0.26.0 // indirect
	golang.org/x/tools v0.26.0 // indirect
)

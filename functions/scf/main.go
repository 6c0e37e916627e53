// Scf is the function on Tencent SCF, with runtime Go1.
package main

import (
	"github.com/tencentyun/scf-go-lib/cloudfunction"
)

func main() {
	cloudfunction.StartHandler(new(function))
}

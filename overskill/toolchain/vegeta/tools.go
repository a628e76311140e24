//go:build tools

package vegeta

import _ "github.com/tsenart/vegeta/v12"

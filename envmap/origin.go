package envmap

import (
	"strconv"

	"github.com/gitlab-mattermost/sdk/config"
)

// OriginFile is the Kind of an Origin for values read from an environment's
// own storage: a file of an env directory, an env file, a process.
const OriginFile = "environment file"

func originFile(where string) config.Origin { return config.Origin{Kind: OriginFile, Where: where} }

func originLine(line int) config.Origin { return originFile("line " + strconv.Itoa(line)) }

package upgrade

import "unsafe"

// TableBytes is what the generated table takes in a binary.
func TableBytes() int {
	n := int(unsafe.Sizeof(gitlabTable) + unsafe.Sizeof(lineTable) + unsafe.Sizeof(mattermostTable) + unsafe.Sizeof(postgresTable))
	for _, s := range postgresTable {
		n += len(s)
	}
	return n
}

package backup

import (
	"fmt"
	"strings"
)

// recipe is the text of RESTORE.txt: how to restore this very backup with
// ordinary programs.
func recipe(m *Manifest) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `Restoring backup %s by hand
===========================================

You need: zstd, tar, psql, sha256sum%s. Work in this directory, with bash.

1. Check that it is complete and unchanged:

    sha256sum -c SHA256SUMS

`, m.ID, map[bool]string{true: ", age", false: ""}[m.Encryption != nil])
	read := func(name string) string { return "zstd -dc " + name }
	if m.Encryption != nil {
		fmt.Fprintf(&b, "   The parts are encrypted. key.txt below is your age identity or SSH key.\n")
		if m.Encryption.Passphrase {
			fmt.Fprintf(&b, "   Make it with the passphrase:  age -d -o key.txt key.age\n")
		}
		b.WriteByte('\n')
		read = func(name string) string { return "age -d -i key.txt " + name + " | zstd -dc" }
	}
	if m.Database != nil {
		recipeDatabase(&b, m.Database, read)
	}
	if m.Files != nil {
		recipeFiles(&b, m, read)
	}
	if len(m.Documents) > 0 {
		fmt.Fprintf(&b, "Configuration: the files below config/ are as they were. They were at\n\n")
		for _, d := range m.Documents {
			fmt.Fprintf(&b, "    %-40s %s\n", d.Part.Name, strings.ToValidUTF8(d.Path, "?"))
		}
		b.WriteString("\nFinally give all files to Mattermost's user, config.json mode 0600.\n")
	}
	return []byte(b.String())
}

func recipeDatabase(b *strings.Builder, d *Database, read func(string) string) {
	fmt.Fprintf(b, `2. Database (from PostgreSQL %s; restore into the same or a newer major version).
   ROLE is Mattermost's database role. It must own the new database.

    createdb -O ROLE -T template0 -E %s NEWDB
    export PGUSER=ROLE PGDATABASE=NEWDB PGOPTIONS='-c statement_timeout=0'
    load() { psql -X -q -v ON_ERROR_STOP=1 -o /dev/null; }

    %s | load
`, d.ServerVersion, d.Encoding, read(d.PreData.Name))
	if d.Blobs != nil {
		fmt.Fprintf(b, "    %s | load\n", read(d.Blobs.Name))
	}
	if len(d.Pieces) > 0 {
		fmt.Fprintf(b, "    for f in db/data/*; do %s | load || echo \"FAILED: $f\"; done\n", read(`"$f"`))
	}
	if d.Sequences != nil {
		fmt.Fprintf(b, "    %s | load\n", read(d.Sequences.Name))
	}
	fmt.Fprintf(b, "    %s | load\n", read(d.PostData.Name))
	for _, s := range d.Settings {
		if plainWords(s.Name) && plainWords(s.Value) {
			fmt.Fprintf(b, "    psql -X -c \"ALTER DATABASE NEWDB SET %s TO '%s'\"\n", s.Name, s.Value)
		} else {
			fmt.Fprintf(b, "   A setting of the database, to be repeated with ALTER DATABASE ... SET: %q = %q\n", s.Name, s.Value)
		}
	}
	if d.Grants != nil {
		fmt.Fprintf(b, "\n   What other roles may do, as far as they exist here:\n\n    %s | psql -X -q\n", read(d.Grants.Name))
	}
	b.WriteByte('\n')
}

func recipeFiles(b *strings.Builder, m *Manifest, read func(string) string) {
	fmt.Fprintf(b, "3. Files, into an existing directory TARGET. The trees were:\n\n")
	for _, t := range m.Files.Trees {
		fmt.Fprintf(b, "    %-20s %s\n", t.Name, strings.ToValidUTF8(t.Path, "?"))
	}
	fmt.Fprintf(b, "\n    for f in files/*.tar*; do %s | tar -x -C TARGET || echo \"FAILED: $f\"; done\n", read(`"$f"`))
	if len(m.Parents) > 0 {
		fmt.Fprintf(b, `
   This backup is incremental: most files are in the packs of %s,
   which must lie beside this directory. The list says which:

    %s | awk -F'\t' '$1=="f" {print $6}' | sort -u | grep -v '^%s/' |
    while read -r pack; do
        %s | awk -F'\t' -v p="$pack" '$6==p {print $7}' > /tmp/names
        %s | tar -x -C TARGET -T /tmp/names || echo "FAILED: $pack"
    done
`, strings.Join(m.Parents, ", "), read(m.Files.Index.Name), m.ID, read(m.Files.Index.Name), read(`"../$pack"`))
	}
	fmt.Fprintf(b, `
   The list holds sha256, size and time in nanoseconds of each file; check with

    %s | awk -F'\t' '$1=="f" {print $5 "  " $7}' | (cd TARGET && sha256sum -c --quiet)

`, read(m.Files.Index.Name))
}

// plainWords tells whether a text can stand in a shell command as it is.
func plainWords(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:/ -", c)
	})
}

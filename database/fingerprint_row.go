package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A row's hash is a chain: each value is hashed with the hash of the values
// before it as its seed. That costs half of hash_record_extended on the same
// row, which first builds a record and then takes it apart again, and needs no
// text of numbers and dates. NULL is replaced by a value that no row has by
// accident. What is hashed by value differs whenever its text differs, with
// the exceptions named at MethodHash; every other type goes through its text.

// hashOf are the functions for types of pg_catalog; %s is the value, %s the seed.
var hashOf = map[string]string{
	"int2":    "hashint4extended(coalesce(%s::int4, -1640531535), %s)",
	"int4":    "hashint4extended(coalesce(%s, -1640531535), %s)",
	"int8":    "hashint8extended(coalesce(%s, -7046029254386353131), %s)",
	"bool":    "hashint4extended(coalesce(%s::int4, 2), %s)",
	"jsonb":   `jsonb_hash_extended(coalesce(%s, '"` + nullText + `"'), %s)`,
	"text":    hashText,
	"varchar": hashText,
}

// The collation makes the hash one of the bytes, also where the column's own
// takes different bytes for equal.
const (
	hashText = `hashtextextended(coalesce(%s::text, '` + nullText + `') COLLATE "C", %s)`
	nullText = "NULL 6a09e667bb67ae85 3c6ef372a54ff53a"
)

// sendOf are the functions that give the bits of types whose text changed:
// PostgreSQL 12 writes the shortest text of a floating-point number, an older
// server 17 digits.
var sendOf = map[string]string{"float4": "float4send", "float8": "float8send", "_float4": "array_send", "_float8": "array_send"}

// roundFloats makes the text of floating-point numbers inside other types
// (points, composite types, domains) that of all versions: 15 digits.
const roundFloats = "SET LOCAL extra_float_digits = 0"

// value is the expression for a column whose text all versions write alike.
func (c columnInfo) value() string {
	name := "t." + ident(c.name)
	if send, ok := sendOf[c.typ]; ok {
		return "encode(" + send + "(" + name + "), 'hex')"
	}
	return name
}

// maxChain keeps the nesting of an expression far below the server's limit; a
// table may have 1600 columns.
const maxChain = 100

// chain is the expression for the hash of one row of t.
func (t tableInfo) chain() string {
	var parts []string // finished chains
	seed := "0"
	for i, c := range t.columns {
		if i > 0 && i%maxChain == 0 {
			parts = append(parts, seed)
			seed = "0"
		}
		format, ok := hashOf[c.typ]
		if !ok {
			format = hashText
		}
		seed = fmt.Sprintf(format, c.value(), seed)
	}
	for _, p := range parts {
		seed = fmt.Sprintf("hashint8extended(%s, %s)", p, seed)
	}
	return seed + "::bigint"
}

// hashProbe is one value of every function that MethodHash uses, and the
// database's encoding: where both are the same, hashes are comparable. They differ
// with the byte order of the machine, and could with a new major version.
const hashProbe = `SELECT pg_encoding_to_char(encoding) || ' ' || (hashtextextended(repeat('0123456789', 9) COLLATE "C", 7) # hashint8extended(1234567890123456789, 8)
	# hashint4extended(-5, 9) # jsonb_hash_extended('{"a": [1.5, null, "x", true], "b": {}}', 10))::text FROM pg_database WHERE datname = $1`

// commonMethod is the fast one where two servers' hashes are comparable.
func commonMethod(ctx context.Context, a, b *pgx.Conn, databaseA, databaseB string) (string, error) {
	var probes [2]string
	for i, conn := range []*pgx.Conn{a, b} {
		version, err := serverVersion(ctx, conn)
		if err != nil {
			return "", err
		}
		if version < firstHash {
			return MethodMD5, nil
		}
		name := []string{databaseA, databaseB}[i]
		err = conn.QueryRow(ctx, hashProbe, name).Scan(&probes[i])
		if ok, e := found(err); e != nil || !ok {
			return "", errors.Join(e, fmt.Errorf("database %s: %w", quoteName(name), ErrNotFound))
		}
	}
	if probes[0] != probes[1] {
		return MethodMD5, nil
	}
	return MethodHash, nil
}

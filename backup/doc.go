// Package backup keeps a Mattermost installation as one verified unit:
// database, files and configuration of one moment. Most callers need [Create]
// and [Restore]; [Verify] and [Rehearse] prove that a backup is worth having.
//
// # What a backup is
//
// A backup is a directory of ordinary files in a [Store]: the database as SQL
// text, the files as tar, both compressed with zstd, the configuration as it
// was, and manifest.json, which is written last. A directory without a manifest
// is not a backup. Every part can be read with zstd, tar, psql and sha256sum
// alone; RESTORE.txt in each backup says how. FORMAT.md documents the format.
//
// # Consistency
//
// The server keeps running. [Create] exports one database snapshot first and
// reads the files after it, so that every file a row refers to is there: files
// are written before the row, and are not deleted while the backup runs. The
// file rows of the snapshot are checked against the files that were stored.
//
// # Restoring
//
// [Restore] builds a new database and new directories beside the living ones,
// checks them, stops the service, swaps by renaming, and starts it. The old
// ones stay under dated names until [Discard]; [Rollback] swaps them back. A
// journal on disk makes every step repeatable: [Recover] ends an interrupted
// restore with either the old state or the complete new one.
//
// # What is not promised
//
// A backup holds SQL that is executed at restore with the rights of the role
// given: restore only backups that you would run as a script. File names,
// table names and sizes of an encrypted backup's manifest are documented in
// FORMAT.md. A Go program that embeds this package may rely on the exported
// names; the format carries its own version.
package backup

// Package s3store keeps backups in an S3-compatible object store and reads the
// files of installations that keep theirs in one. Most callers need [Open]; a
// [Bucket] is the source of a tree whose FileSettings.DriverName is amazons3.
//
// Objects become visible when their upload is complete, which is the
// protocol's own promise. Nothing here locks: IDs are unique, and unfinished
// work is removed only after a day. The bucket's versioning, object lock and
// server-side encryption work as configured there.
package s3store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/gitlab-mattermost/sdk/backup"
	"github.com/gitlab-mattermost/sdk/internal/redact"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Secret is a text that prints as [redacted].
type Secret = redact.Secret

// Options say where the bucket is. The names follow Mattermost's FileSettings
// (AmazonS3Endpoint and so on).
type Options struct {
	Endpoint  string // host or host:port, without scheme; s3.amazonaws.com
	Bucket    string // must exist
	Prefix    string // objects are kept below it; "" is the bucket's top
	Region    string // "" lets the server decide
	AccessKey string // "" uses the environment or the machine's role
	SecretKey Secret
	// Insecure speaks HTTP instead of HTTPS, for a server on this machine.
	Insecure bool
	// PathStyle puts the bucket into the path instead of the host name, as
	// most servers other than Amazon's want.
	PathStyle bool
}

// partSize is one piece of a streaming upload, held in memory: two at a time
// and 10,000 pieces allow objects of 160 GB.
const partSize = 16 << 20

// Store is a backup.Store in a bucket.
type Store struct {
	client *minio.Client
	bucket string
	prefix string
}

var _ backup.Store = (*Store)(nil)

// Open checks the options and that the bucket can be reached.
func Open(ctx context.Context, o Options) (*Store, error) {
	client, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	prefix := strings.Trim(o.Prefix, "/")
	if prefix != "" {
		if err := backup.CheckObjectName(prefix); err != nil {
			return nil, fmt.Errorf("open bucket: prefix: %w", err)
		}
		prefix += "/"
	}
	return &Store{client: client, bucket: o.Bucket, prefix: prefix}, nil
}

func connect(ctx context.Context, o Options) (*minio.Client, error) {
	if o.Endpoint == "" || o.Bucket == "" {
		return nil, errors.New("open bucket: endpoint and bucket are required")
	}
	if strings.Contains(o.Endpoint, "://") {
		return nil, errors.New("open bucket: the endpoint is a host without https://; set Insecure for HTTP")
	}
	creds := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}})
	if o.AccessKey != "" {
		creds = credentials.NewStaticV4(o.AccessKey, o.SecretKey.Reveal(), "")
	}
	lookup := minio.BucketLookupAuto
	if o.PathStyle {
		lookup = minio.BucketLookupPath
	}
	client, err := minio.New(o.Endpoint, &minio.Options{Creds: creds, Secure: !o.Insecure, Region: o.Region, BucketLookup: lookup, MaxRetries: 5})
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	ok, err := client.BucketExists(ctx, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", o.Bucket, err)
	}
	if !ok {
		return nil, fmt.Errorf("open bucket %s: it does not exist, or these credentials may not see it", o.Bucket)
	}
	return client, nil
}

func (s *Store) key(name string) (string, error) {
	if err := backup.CheckObjectName(name); err != nil {
		return "", err
	}
	return s.prefix + name, nil
}

// wrap turns a missing key into fs.ErrNotExist.
func wrap(what, name string, err error) error {
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		err = errors.Join(fs.ErrNotExist, err)
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}

// Create implements backup.Store. The bytes are uploaded while they are
// written; the client repeats pieces that fail.
func (s *Store) Create(ctx context.Context, name string) (backup.ObjectWriter, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, pipe := io.Pipe()
	w := &writer{name: name, pipe: pipe, done: make(chan error, 1)}
	go func() {
		_, err := s.client.PutObject(ctx, s.bucket, key, r, -1, minio.PutObjectOptions{PartSize: partSize, NumThreads: 1, ContentType: "application/octet-stream"})
		if err != nil {
			err = fmt.Errorf("upload %s: %w", name, err)
		}
		_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // always nil
		w.done <- err
	}()
	return w, nil
}

// errAborted ends an upload whose writer gave up.
var errAborted = errors.New("aborted by the writer")

type writer struct {
	name  string
	pipe  *io.PipeWriter
	done  chan error
	ended bool
}

func (w *writer) Write(p []byte) (int, error) { return w.pipe.Write(p) }

func (w *writer) Commit() error {
	if w.ended {
		return fmt.Errorf("commit %s: already finished", w.name)
	}
	w.ended = true
	_ = w.pipe.Close() // always nil
	return <-w.done
}

// Abort makes the upload fail, so that the object never appears; the client
// removes the pieces on the server.
func (w *writer) Abort() error {
	if w.ended {
		return nil
	}
	w.ended = true
	_ = w.pipe.CloseWithError(errAborted) // always nil
	if err := <-w.done; err == nil {
		return fmt.Errorf("abort %s: the upload was already complete", w.name)
	}
	return nil
}

// Open implements backup.Store.
func (s *Store) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	return open(ctx, s.client, s.bucket, key, name)
}

func open(ctx context.Context, client *minio.Client, bucket, key, name string) (io.ReadCloser, error) {
	o, err := client.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return nil, wrap("open", name, err)
	}
	if _, err := o.Stat(); err != nil { // the request itself; GetObject is lazy
		return nil, errors.Join(wrap("open", name, err), o.Close())
	}
	return o, nil
}

// Stat implements backup.Store.
func (s *Store) Stat(ctx context.Context, name string) (backup.Object, error) {
	key, err := s.key(name)
	if err != nil {
		return backup.Object{}, err
	}
	info, err := s.client.StatObject(ctx, s.bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return backup.Object{}, wrap("look at", name, err)
	}
	return backup.Object{Name: name, Size: info.Size, Modified: info.LastModified}, nil
}

// List implements backup.Store. Objects whose names are not legal ones, which
// somebody else has put there, are left out.
func (s *Store) List(ctx context.Context, prefix string) ([]backup.Object, error) {
	out := []backup.Object{}
	for info := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
		if info.Err != nil {
			return nil, fmt.Errorf("list bucket %s: %w", s.bucket, info.Err)
		}
		name := strings.TrimPrefix(info.Key, s.prefix)
		if backup.CheckObjectName(name) == nil {
			out = append(out, backup.Object{Name: name, Size: info.Size, Modified: info.LastModified})
		}
	}
	return out, ctx.Err() // the protocol sorts by key
}

// Delete implements backup.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	if err := s.client.RemoveObject(ctx, s.bucket, key, minio.RemoveObjectOptions{}); err != nil {
		return wrap("delete", name, err)
	}
	return nil
}

// Bucket is a backup.ObjectSource: the files of a Mattermost that keeps them
// in a bucket (FileSettings.AmazonS3Bucket and AmazonS3PathPrefix).
type Bucket struct {
	client *minio.Client
	bucket string
	prefix string
}

var _ backup.ObjectSource = (*Bucket)(nil)

// OpenBucket is Open for a bucket that is read only. Its keys may be anything.
func OpenBucket(ctx context.Context, o Options) (*Bucket, error) {
	client, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	prefix := strings.Trim(o.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	return &Bucket{client: client, bucket: o.Bucket, prefix: prefix}, nil
}

// ListObjects implements backup.ObjectSource.
func (b *Bucket) ListObjects(ctx context.Context, f func(backup.Object) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when f fails
	for info := range b.client.ListObjects(ctx, b.bucket, minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if info.Err != nil {
			return fmt.Errorf("list bucket %s: %w", b.bucket, info.Err)
		}
		if err := f(backup.Object{Name: strings.TrimPrefix(info.Key, b.prefix), Size: info.Size, Modified: info.LastModified}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// OpenObject implements backup.ObjectSource.
func (b *Bucket) OpenObject(ctx context.Context, name string) (io.ReadCloser, error) {
	return open(ctx, b.client, b.bucket, b.prefix+name, name)
}

// String is the bucket's s3:// address with the prefix, without credentials.
func (b *Bucket) String() string { return "s3://" + b.bucket + "/" + b.prefix }

package s3store

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeS3 answers exactly the calls that Store and Bucket make, with the
// statuses and bodies that S3 documents for them; anything else fails the test.
type fakeS3 struct {
	t       *testing.T
	mu      sync.Mutex
	objects map[string]fakeObject
	uploads map[string]map[int][]byte
	next    int
	// fault, if set, may answer a request in the place of the server.
	fault func(w http.ResponseWriter, r *http.Request) bool
}

type fakeObject struct {
	data []byte
	at   time.Time
}

const bucketName = "mattermost"

func newFake(t *testing.T) (*fakeS3, Options) {
	f := &fakeS3{t: t, objects: map[string]fakeObject{}, uploads: map[string]map[int][]byte{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, Options{Endpoint: strings.TrimPrefix(server.URL, "http://"), Bucket: bucketName, AccessKey: "access", SecretKey: "secret", Insecure: true, PathStyle: true, Region: "us-east-1"}
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=access/") {
		f.fail(w, http.StatusForbidden, "AccessDenied")
		return
	}
	if f.fault != nil && f.fault(w, r) {
		return
	}
	body, err := readBody(r)
	if err != nil {
		return // the client went away
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path, q := strings.TrimPrefix(r.URL.Path, "/"), r.URL.Query()
	bucket, key, _ := strings.Cut(path, "/")
	switch {
	case bucket != bucketName:
		f.fail(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.Method == http.MethodHead:
	case key == "" && r.Method == http.MethodGet && q.Get("list-type") == "2":
		f.list(w, q.Get("prefix"), q.Get("continuation-token"))
	case r.Method == http.MethodPost && q.Has("uploads"):
		f.next++
		id := fmt.Sprint("upload-", f.next)
		f.uploads[id] = map[int][]byte{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", bucket, key, id)
	case r.Method == http.MethodPut && q.Has("uploadId"):
		n, _ := strconv.Atoi(q.Get("partNumber"))
		f.uploads[q.Get("uploadId")][n] = body
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodPost && q.Has("uploadId"):
		f.complete(w, key, q.Get("uploadId"))
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		delete(f.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut:
		f.objects[key] = fakeObject{body, time.Now()}
		w.Header().Set("ETag", etag(body))
	case r.Method == http.MethodDelete:
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		f.get(w, r, key)
	default:
		f.t.Errorf("the test server does not know %s %s", r.Method, r.URL)
		f.fail(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// readBody takes off the chunked signing that clients use over plain HTTP.
func readBody(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return raw, err
	}
	var out []byte
	for {
		line, rest, ok := bytes.Cut(raw, []byte("\r\n"))
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(size), 16, 64)
		if !ok || err != nil || int64(len(rest)) < n {
			return nil, io.ErrUnexpectedEOF
		}
		if n == 0 {
			return out, nil
		}
		out, raw = append(out, rest[:n]...), rest[n+2:]
	}
}

func etag(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (f *fakeS3) fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func (f *fakeS3) complete(w http.ResponseWriter, key, id string) {
	var numbers []int
	for n := range f.uploads[id] {
		numbers = append(numbers, n)
	}
	sort.Ints(numbers)
	var data []byte
	for _, n := range numbers {
		data = append(data, f.uploads[id][n]...)
	}
	delete(f.uploads, id)
	f.objects[key] = fakeObject{data, time.Now()}
	fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", bucketName, key, etag(data))
}

func (f *fakeS3) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := f.objects[key]
	if !ok {
		f.fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", etag(o.data))
	http.ServeContent(w, r, "", o.at, bytes.NewReader(o.data))
}

// list answers in pages of three, so that paging is used.
func (f *fakeS3) list(w http.ResponseWriter, prefix, token string) {
	type content struct {
		Key          string
		LastModified string
		ETag         string
		Size         int
	}
	type result struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}
	var keys []string
	for k := range f.objects {
		if strings.HasPrefix(k, prefix) && k > token {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	res := result{Name: bucketName}
	for i, k := range keys {
		if i == 3 {
			res.IsTruncated, res.NextContinuationToken = true, keys[i-1]
			break
		}
		o := f.objects[k]
		res.Contents = append(res.Contents, content{k, o.at.UTC().Format("2006-01-02T15:04:05.000Z"), etag(o.data), len(o.data)})
	}
	if err := xml.NewEncoder(w).Encode(res); err != nil {
		f.t.Error(err)
	}
}

package envmap

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// OperatorOptions describe the Kubernetes installation that Operator writes. The
// zero value needs nothing but a network-reachable database in the environment.
type OperatorOptions struct {
	Name      string // of the resource; "" is "mattermost"
	Namespace string // "" leaves it to kubectl
	Version   string // image tag; "" is "10.11", with Image Team Edition
	Image     string // "" is mattermost/mattermost-team-edition
	Size      string // operator's size name; "" is 100users
	// Database is a postgres:// URL in place of the environment's data source,
	// which on one machine often is a Unix socket.
	Database     Secret
	VolumeClaim  string // existing claim that holds the files; "" lets the operator make one
	StorageSize  string // of that one; "" is 50Gi
	IngressClass string
	TLSSecret    string
}

// OperatorManifest is what to give to kubectl apply. Text holds secrets.
type OperatorManifest struct {
	Text []byte
	// NotCarried are variables that did not make it, with the reason.
	NotCarried []LeftOut
	Findings   []Finding
}

var (
	dnsName     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	dnsHost     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
	storageSize = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?([EPTGMk]i?)?$`)
	imageTag    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	imageName   = regexp.MustCompile(`^[a-z0-9][a-z0-9._/:-]{0,254}$`)
)

// Operator writes the resources for Mattermost's Kubernetes operator (Mattermost,
// installation.mattermost.com/v1beta1) that run the same settings: ingress from
// the site URL, an external database with its Secret, the file store (S3 with its
// Secret, an existing volume claim, or a claim that the operator makes), and
// every other variable in mattermostEnv, secrets among them by reference.
//
// What belongs to one machine (directories, listen address, certificates) is
// reported as not carried. A data source over a Unix socket is an error unless
// OperatorOptions.Database replaces it. Files and rows are not moved.
func Operator(env *Environment, o OperatorOptions) (*OperatorManifest, error) {
	if err := o.defaults(); err != nil {
		return nil, fmt.Errorf("kubernetes resource: %w", err)
	}
	b := &operatorBuilder{o: o, out: &OperatorManifest{}, secret: map[string]string{}}
	if err := b.site(env); err != nil {
		return nil, fmt.Errorf("kubernetes resource: %w", err)
	}
	if err := b.database(env); err != nil {
		return nil, fmt.Errorf("kubernetes resource: %w", err)
	}
	b.files(env)
	for v := range env.All() {
		if err := b.variable(v); err != nil {
			return nil, fmt.Errorf("kubernetes resource: %w", err)
		}
	}
	b.note()
	b.out.Text = b.text()
	return b.out, nil
}

func (o *OperatorOptions) defaults() error {
	for _, d := range []struct {
		value *string
		def   string
		name  string
		rule  *regexp.Regexp
	}{
		{&o.Name, "mattermost", "name", dnsName}, {&o.Namespace, "", "namespace", dnsName},
		{&o.Version, "10.11", "version", imageTag}, {&o.Image, "mattermost/mattermost-team-edition", "image", imageName},
		{&o.VolumeClaim, "", "volume claim", dnsHost}, {&o.StorageSize, "50Gi", "storage size", storageSize},
		{&o.IngressClass, "", "ingress class", dnsHost}, {&o.TLSSecret, "", "TLS secret", dnsHost},
	} {
		if *d.value == "" {
			*d.value = d.def
		}
		if *d.value != "" && !d.rule.MatchString(*d.value) {
			return fmt.Errorf("%s %.60q: not a value that Kubernetes takes", d.name, *d.value)
		}
	}
	sizes := []string{"", "100users", "1000users", "5000users", "10000users", "25000users"}
	if !slices.Contains(sizes, o.Size) {
		return fmt.Errorf("size %.60q: want one of %s", o.Size, strings.Join(sizes[1:], ", "))
	}
	if o.Size == "" {
		o.Size = sizes[1]
	}
	return nil
}

type operatorBuilder struct {
	o    OperatorOptions
	out  *OperatorManifest
	host string
	// taken are the variables that a part of the resource stands for.
	taken    []string
	db       [][2]string // keys of the database's Secret
	s3       [][2]string
	filePart []string // lines of spec.fileStore
	plain    [][2]string
	secrets  []string // names, in order
	secret   map[string]string
}

func (b *operatorBuilder) leave(name, reason, fix string) {
	b.out.NotCarried = append(b.out.NotCarried, LeftOut{name, reason, fix})
}

func text(env *Environment, name string) string {
	v, _ := env.Get(name)
	t, _ := v.Text()
	return t
}

func (b *operatorBuilder) site(env *Environment) error {
	const name = "MM_SERVICESETTINGS_SITEURL"
	u, err := url.Parse(text(env, name))
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("%s: an absolute URL is needed for the ingress", name)
	}
	b.host = strings.ToLower(u.Hostname())
	if !dnsHost.MatchString(b.host) {
		return fmt.Errorf("%s: the host is no DNS name, which an ingress needs", name)
	}
	if strings.TrimRight(text(env, name), "/") == "https://"+b.host {
		b.taken = append(b.taken, name) // what the operator sets itself
		return nil
	}
	b.out.Findings = append(b.out.Findings, Finding{
		ID: "k8s.site-url", Severity: SeverityWarning, Where: name,
		Message: "the ingress serves https://" + b.host + ", the site URL has another scheme, port or path",
		Fix:     "use https on port 443 and no path, or put a proxy in front that serves the old URL",
	})
	return nil
}

func (b *operatorBuilder) database(env *Environment) error {
	const name = "MM_SQLSETTINGS_DATASOURCE"
	source := b.o.Database.Reveal()
	if source == "" {
		source = text(env, name)
	}
	if strings.HasPrefix(text(env, "MM_SQLSETTINGS_DRIVERNAME"), "mysql") && b.o.Database == "" {
		return fmt.Errorf("MM_SQLSETTINGS_DRIVERNAME: MySQL has to be migrated to PostgreSQL first")
	}
	u, err := databaseURL(source)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.taken = append(b.taken, name, "MM_CONFIG", "MM_SQLSETTINGS_DATASOURCEREPLICAS")
	b.db = append(b.db, [2]string{"DB_CONNECTION_STRING", u}, [2]string{"DB_CONNECTION_CHECK_URL", u})
	if replicas := text(env, "MM_SQLSETTINGS_DATASOURCEREPLICAS"); replicas != "" {
		b.db = append(b.db, [2]string{"MM_SQLSETTINGS_DATASOURCEREPLICAS", replicas})
	}
	if _, ok := env.Get("MM_CONFIG"); ok {
		b.leave("MM_CONFIG", "the operator keeps the configuration in the database", "move config.json there with mmctl config migrate")
	}
	return nil
}

// files chooses the file store.
func (b *operatorBuilder) files(env *Environment) {
	const prefix = "MM_FILESETTINGS_"
	bucket, endpoint := text(env, prefix+"AMAZONS3BUCKET"), text(env, prefix+"AMAZONS3ENDPOINT")
	b.taken = append(b.taken, prefix+"DRIVERNAME", prefix+"DIRECTORY")
	if text(env, prefix+"DRIVERNAME") == "amazons3" && bucket != "" {
		if endpoint == "" {
			endpoint = "s3.amazonaws.com"
		}
		b.filePart = []string{"external:", "  url: " + yamlQuote(endpoint), "  bucket: " + yamlQuote(bucket)}
		b.taken = append(b.taken, prefix+"AMAZONS3BUCKET", prefix+"AMAZONS3ENDPOINT", prefix+"AMAZONS3ACCESSKEYID", prefix+"AMAZONS3SECRETACCESSKEY")
		if key := text(env, prefix+"AMAZONS3ACCESSKEYID"); key != "" {
			b.s3 = [][2]string{{"accesskey", key}, {"secretkey", text(env, prefix+"AMAZONS3SECRETACCESSKEY")}}
			b.filePart = append(b.filePart, "  secret: "+yamlQuote(b.o.Name+"-filestore"))
		} else {
			b.filePart = append(b.filePart, "  useServiceAccount: true")
		}
		return
	}
	if _, ok := env.Get(prefix + "DIRECTORY"); ok {
		b.leave(prefix+"DIRECTORY", "a directory of one machine; the operator mounts a volume at /mattermost/data", "copy the files into the volume")
	}
	if b.o.VolumeClaim != "" {
		b.filePart = []string{"externalVolume:", "  volumeClaimName: " + yamlQuote(b.o.VolumeClaim)}
		return
	}
	b.filePart = []string{"local:", "  enabled: true", "  storageSize: " + yamlQuote(b.o.StorageSize)}
}

// local are variables that mean something on one machine only.
func local(name string) (reason, fix string) {
	switch name {
	case "MM_SERVICESETTINGS_LISTENADDRESS":
		return "the operator's service and probes expect port 8065 on every address", ""
	case "MM_LOGSETTINGS_FILELOCATION", "MM_PLUGINSETTINGS_DIRECTORY", "MM_PLUGINSETTINGS_CLIENTDIRECTORY", "MM_SERVICESETTINGS_LOCALMODESOCKETLOCATION":
		return "a path of one machine; the image has its own", ""
	case "MM_SERVICESETTINGS_TLSCERTFILE", "MM_SERVICESETTINGS_TLSKEYFILE", "MM_SERVICESETTINGS_CONNECTIONSECURITY", "MM_SERVICESETTINGS_USELETSENCRYPT", "MM_SERVICESETTINGS_FORWARD80TO443":
		return "the ingress ends TLS", "give the certificate as a TLS secret"
	case "MM_INSTALL_TYPE":
		return "the operator sets its own", ""
	case "SSL_CERT_DIR", "GODEBUG":
		return "it belongs to the package's own libraries", "mount own certificate authorities as a volume"
	}
	return "", ""
}

// variable puts what no other part stands for into mattermostEnv.
func (b *operatorBuilder) variable(v Var) error {
	value, ok := v.Text()
	if !ok || slices.Contains(b.taken, v.Name) {
		return nil
	}
	if reason, fix := local(v.Name); reason != "" {
		b.leave(v.Name, reason, fix)
		return nil
	}
	if err := checkVar(v); err != nil {
		return err
	}
	if v.secret() || notUTF8(value) != "" {
		b.secrets = append(b.secrets, v.Name)
		b.secret[v.Name] = value
		return nil
	}
	b.plain = append(b.plain, [2]string{v.Name, value})
	return nil
}

func (b *operatorBuilder) note() {
	b.out.Findings = append(b.out.Findings,
		Finding{
			ID: "k8s.data", Severity: SeverityInfo, Where: b.o.Name,
			Message: "the resource holds settings only; rows and files stay where they are",
			Fix:     "restore the database and copy the files before applying it",
		},
		Finding{
			ID: "k8s.operator-sets", Severity: SeverityInfo, Where: b.o.Name,
			Message: "the operator itself switches on plugin uploads, metrics and clustering, and sets the largest file size; a variable in mattermostEnv wins",
			Fix:     "more than one replica needs a licence",
		})
}

// text writes the documents.
func (b *operatorBuilder) text() []byte {
	var out bytes.Buffer
	b.secretDoc(&out, b.o.Name+"-database", b.db)
	if b.s3 != nil {
		b.secretDoc(&out, b.o.Name+"-filestore", b.s3)
	}
	if len(b.secrets) > 0 {
		var pairs [][2]string
		for _, name := range b.secrets {
			pairs = append(pairs, [2]string{name, b.secret[name]})
		}
		b.secretDoc(&out, b.o.Name+"-environment", pairs)
	}
	fmt.Fprintf(&out, "apiVersion: installation.mattermost.com/v1beta1\nkind: Mattermost\nmetadata:\n  name: %s\n", yamlQuote(b.o.Name))
	if b.o.Namespace != "" {
		fmt.Fprintf(&out, "  namespace: %s\n", yamlQuote(b.o.Namespace))
	}
	fmt.Fprintf(&out, "spec:\n  size: %s\n  image: %s\n  version: %s\n", b.o.Size, yamlQuote(b.o.Image), yamlQuote(b.o.Version))
	fmt.Fprintf(&out, "  ingress:\n    enabled: true\n    host: %s\n", yamlQuote(b.host))
	if b.o.IngressClass != "" {
		fmt.Fprintf(&out, "    ingressClass: %s\n", yamlQuote(b.o.IngressClass))
	}
	if b.o.TLSSecret != "" {
		fmt.Fprintf(&out, "    tlsSecret: %s\n", yamlQuote(b.o.TLSSecret))
	}
	fmt.Fprintf(&out, "  database:\n    external:\n      secret: %s\n  fileStore:\n", yamlQuote(b.o.Name+"-database"))
	for _, line := range b.filePart {
		out.WriteString("    " + line + "\n")
	}
	if len(b.plain)+len(b.secrets) > 0 {
		out.WriteString("  mattermostEnv:\n")
	}
	for _, kv := range b.plain {
		// Kubernetes expands $(NAME); a doubled dollar sign is one.
		fmt.Fprintf(&out, "    - name: %s\n      value: %s\n", kv[0], yamlQuote(strings.ReplaceAll(kv[1], "$", "$$")))
	}
	for _, name := range b.secrets {
		fmt.Fprintf(&out, "    - name: %s\n      valueFrom:\n        secretKeyRef:\n          name: %s\n          key: %s\n", name, yamlQuote(b.o.Name+"-environment"), name)
	}
	return out.Bytes()
}

func (b *operatorBuilder) secretDoc(out *bytes.Buffer, name string, pairs [][2]string) {
	secretHead(out, name, b.o.Namespace)
	for _, kv := range pairs {
		fmt.Fprintf(out, "  %s: %s\n", kv[0], secretValue(kv[1]))
	}
	out.WriteString("---\n")
}

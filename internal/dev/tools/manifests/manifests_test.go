// Package manifests checks what is in deploy/ against the types that Kubernetes,
// CloudNativePG and compose read it into. Fields that they don't know are errors.
package manifests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	cnpg "github.com/cloudnative-pg/api/pkg/api/v1"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const deploy = "../../../../deploy"

func known(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apps.AddToScheme, batch.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme, cnpg.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

// decode reads one document into the type that it says it is.
func decode(t *testing.T, scheme *runtime.Scheme, document []byte) runtime.Object {
	t.Helper()
	var kind struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(document, &kind); err != nil {
		t.Fatal(err)
	}
	o, err := scheme.New(schema.FromAPIVersionAndKind(kind.APIVersion, kind.Kind))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(document, o); err != nil {
		t.Errorf("%s: %v", kind.Kind, err)
	}
	return o
}

func documents(text []byte) [][]byte { return bytes.Split(text, []byte("\n---\n")) }

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// built is what `kubectl apply -k deploy` applies.
func built(t *testing.T) []runtime.Object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), deploy)
	if err != nil {
		t.Fatal(err)
	}
	text, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	scheme := known(t)
	var all []runtime.Object
	for _, document := range documents(text) {
		all = append(all, decode(t, scheme, document))
	}
	return all
}

// TestSources: kustomize passes on what it does not know, and leaves out what is
// given twice. So the files are read strictly as well.
func TestSources(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(deploy, "kubernetes/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	scheme := known(t)
	for _, file := range files {
		for _, document := range documents(read(t, "kubernetes/"+filepath.Base(file))) {
			decode(t, scheme, document)
		}
	}
}

func pods(all []runtime.Object) map[string]core.PodSpec {
	specs := map[string]core.PodSpec{}
	for _, o := range all {
		switch o := o.(type) {
		case *apps.Deployment:
			specs[o.Name] = o.Spec.Template.Spec
		case *batch.Job:
			specs[o.Name] = o.Spec.Template.Spec
		}
	}
	return specs
}

func TestPods(t *testing.T) {
	specs := pods(built(t))
	if len(specs) != 3 {
		t.Errorf("%d kinds of pods, want migrate, api and worker", len(specs))
	}
	for name, pod := range specs {
		c := pod.Containers[0]
		if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || *s.RunAsUser != 65532 || s.SeccompProfile == nil {
			t.Errorf("%s: pod may be root: %v", name, s)
		}
		if s := c.SecurityContext; s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || !slices.Contains(s.Capabilities.Drop, "ALL") {
			t.Errorf("%s: container may do more than it needs: %v", name, s)
		}
		if c.Image != "registry.kiwi.example/invitationd:1.0.0" {
			t.Errorf("%s: image %s was not set", name, c.Image)
		}
		memory(t, name, c)
		for _, v := range c.VolumeMounts {
			if !v.ReadOnly || !slices.ContainsFunc(pod.Volumes, func(given core.Volume) bool { return given.Name == v.Name }) {
				t.Errorf("%s: mount of %s", name, v.Name)
			}
		}
	}
	api := specs["api"].Containers[0]
	for _, probe := range []*core.Probe{api.ReadinessProbe, api.LivenessProbe} {
		if probe == nil || probe.Exec == nil || probe.Exec.Command[1] != "health" || probe.TimeoutSeconds < 4 {
			t.Errorf("probe %+v: it has no certificate, or gives up before the server's answer may come", probe)
		}
	}
}

// TestMetrics: both kinds of servers are scraped, and ready once they have met the
// database, at the port where they are told to answer.
func TestMetrics(t *testing.T) {
	all := built(t)
	var port string
	for _, o := range all {
		if settings, ok := o.(*core.ConfigMap); ok && port == "" {
			_, port, _ = strings.Cut(settings.Data["INVITATION_METRICS_ADDR"], ":")
		}
	}
	for _, o := range all {
		d, ok := o.(*apps.Deployment)
		if !ok {
			continue
		}
		pod := d.Spec.Template
		c := pod.Spec.Containers[0]
		if pod.Annotations["prometheus.io/scrape"] != "true" || pod.Annotations["prometheus.io/port"] != port {
			t.Errorf("%s: nobody scrapes port %q: %v", d.Name, port, pod.Annotations)
		}
		if !slices.ContainsFunc(c.Ports, func(p core.ContainerPort) bool {
			return p.Name == "metrics" && strconv.Itoa(int(p.ContainerPort)) == port
		}) {
			t.Errorf("%s: no port %q for metrics", d.Name, port)
		}
		if p := c.StartupProbe; p == nil || p.HTTPGet == nil || p.HTTPGet.Path != "/readyz" || p.HTTPGet.Port.String() != "metrics" {
			t.Errorf("%s: starts before it has met the database: %+v", d.Name, p)
		}
	}
}

// TestNetwork: each policy is about pods that there are, by ports that they have, and
// none is about the database's, which would not reach one another any more.
func TestNetwork(t *testing.T) {
	all := built(t)
	specs := pods(all)
	policies := 0
	for _, o := range all {
		p, ok := o.(*networking.NetworkPolicy)
		if !ok {
			continue
		}
		policies++
		selector, err := meta.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil {
			t.Fatal(err)
		}
		if selector.Matches(labels.Set{"cnpg.io/cluster": "invitations"}) {
			t.Errorf("%s is about the database", p.Name)
		}
		var ports []string
		for name, pod := range specs {
			if selector.Matches(labels.Set{"app.kubernetes.io/name": name}) {
				for _, port := range pod.Containers[0].Ports {
					ports = append(ports, port.Name)
				}
			}
		}
		for _, in := range p.Spec.Ingress {
			for _, port := range in.Ports {
				if !slices.Contains(ports, port.Port.String()) {
					t.Errorf("%s: no pod has port %v", p.Name, port.Port)
				}
			}
		}
	}
	if policies == 0 {
		t.Error("everybody may reach everybody")
	}
}

// memory: a process that serves keeps below the limit by itself.
func memory(t *testing.T, name string, c core.Container) {
	t.Helper()
	limit := c.Resources.Limits.Memory()
	if limit.IsZero() {
		t.Errorf("%s: no limit of memory", name)
	}
	for _, v := range c.Env {
		if v.Name != "GOMEMLIMIT" {
			continue
		}
		soft := resource.MustParse(strings.TrimSuffix(v.Value, "B"))
		if share := soft.AsApproximateFloat64() / limit.AsApproximateFloat64(); share < 0.75 || share > 0.9 {
			t.Errorf("%s: GOMEMLIMIT is %.2f of the limit", name, share)
		}
		return
	}
	if name != "migrate" {
		t.Errorf("%s: no GOMEMLIMIT", name)
	}
}

// TestSizes: the handbook says what is given.
func TestSizes(t *testing.T) {
	readme := string(read(t, "README.md"))
	for role, pod := range pods(built(t)) {
		c := pod.Containers[0]
		for _, v := range c.Env {
			given := fmt.Sprintf("| Memory of `-role %s` | %sB, with `GOMEMLIMIT=%s`", role, strings.Replace(c.Resources.Limits.Memory().String(), "Mi", " Mi", 1), v.Value)
			if v.Name == "GOMEMLIMIT" && !strings.Contains(readme, given) {
				t.Errorf("README does not say %s", given)
			}
		}
	}
	unit := string(read(t, "systemd/invitationd.service"))
	if !strings.Contains(unit, "GOMEMLIMIT=420MiB") || !strings.Contains(unit, "MemoryMax=512M") || !strings.Contains(readme, "| Memory of `-role all` | 512 MiB, with `GOMEMLIMIT=420MiB`") {
		t.Error("README and the unit differ")
	}
}

var variable = regexp.MustCompile(`\b(?:INVITATION|SENDGRID)_[A-Z_]+\b|\bDATABASE_URL\b`)

// TestVariables: each that deploy/ sets is one that deploy/README.md tells of.
func TestVariables(t *testing.T) {
	readme := string(read(t, "README.md"))
	files := []string{"kubernetes/settings.env", "kubernetes/api.yaml", "kubernetes/worker.yaml", "kubernetes/migrate.yaml", "compose.yaml",
		"systemd/invitationd.service", "systemd/invitationd-migrate.service"}
	for _, file := range files {
		for _, name := range variable.FindAllString(string(read(t, file)), -1) {
			if !strings.Contains(readme, "`"+name+"`") {
				t.Errorf("%s sets %s, which there is not", file, name)
			}
		}
	}
}

func TestPostgres(t *testing.T) {
	scheme := known(t)
	o := decode(t, scheme, documents(read(t, "kubernetes/postgres.yaml"))[0])
	cluster, ok := o.(*cnpg.Cluster)
	if !ok {
		t.Fatalf("a %T", o)
	}
	if s := cluster.Spec.PostgresConfiguration.Synchronous; s == nil || s.Number != 1 || s.DataDurability != "required" {
		t.Errorf("a failure may lose what was acknowledged: %+v", s)
	}
	if cluster.Spec.MaxSwitchoverDelay > 60 {
		t.Errorf("writes wait %d s for a switchover", cluster.Spec.MaxSwitchoverDelay)
	}
}

func TestCompose(t *testing.T) {
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir:  deploy,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(deploy, "compose.yaml")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"migrate", "invitationd"} {
		s := project.Services[name]
		if s.User != "65532:65532" || !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") {
			t.Errorf("%s may do more than it needs", name)
		}
	}
}

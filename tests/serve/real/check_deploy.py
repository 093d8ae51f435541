"""Checks docs/deploy as far as it goes without a cluster: YAML is read, what it says to the program is said to the real one,
the unit is verified by systemd, and nginx passes requests on to two servers that are stopped and started under load.
usage: check_deploy.py PROGRAM FIXTURES VENV REQUIREMENTS DEPLOY"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

import with_venv

program, fixtures, venv, requirements, deploy = sys.argv[1:6]
with_venv.enter(venv, requirements)

import yaml

from real_server import TOKEN, wait_until

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
skipped = []


def read(name):
    with open(f"{deploy}/{name}") as file:
        return file.read()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url, body=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers or {}), timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


class Started:
    """A command that serves HTTP, from when it is ready until the block ends."""

    def __init__(self, command, port, ready="/v2/health/ready"):
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not wait_until(lambda: self.process.poll() is not None or self.is_ready(ready)) or self.process.poll() is not None:
            self.process.kill()
            raise AssertionError(f"{command} is not ready: {self.process.stdout.read()}")

    def is_ready(self, path):
        try:
            return get(self.url + path)[0] == 200
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def make_models():
    shutil.rmtree("models", ignore_errors=True)
    os.makedirs("models/two_inputs/1")
    shutil.copy(f"{fixtures}/io/tf_keras.keras", "models/two_inputs/1/model.keras")
    with open("token.txt", "w") as file:
        file.write(TOKEN + "\n")


def check_probes(container, arguments, port):
    """The arguments are taken, and each probe is answered by what they start."""
    with Started([program, "serve", *arguments], port) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                assert get(server.url + container[probe]["httpGet"]["path"])[0] == 200, probe
        server.process.send_signal(signal.SIGTERM)
        assert wait_until(lambda: get(server.url + container["readinessProbe"]["httpGet"]["path"])[0] == 503)
        assert get(server.url + container["livenessProbe"]["httpGet"]["path"])[0] == 200


def replaced(arguments, **values):
    """Values of options, and the folder, as they are here."""
    result = list(arguments)
    for name, value in values.items():
        if name == "folder":
            result[0] = value
        else:
            result[result.index("--" + name.replace("_", "-")) + 1] = str(value)
    return result


def seconds_of(arguments, name):
    return float(arguments[arguments.index(name) + 1])


def check_kubernetes():
    documents = list(yaml.safe_load_all(read("kubernetes.yaml")))
    kinds = {document["kind"]: document for document in documents}
    assert set(kinds) == {"Deployment", "Service", "PodDisruptionBudget"}
    spec = kinds["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    container, = pod["containers"]
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"]["matchLabels"], kinds["Service"]["spec"]["selector"],
                     kinds["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]):
        assert selector == labels
    assert kinds["Service"]["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert str(container["ports"][0]["containerPort"]) == container["args"][container["args"].index("--port") + 1]
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"]
    drains = seconds_of(container["args"], "--drain-delay") + seconds_of(container["args"], "--drain-timeout")
    assert pod["terminationGracePeriodSeconds"] >= drains + 5
    port = free_port()
    check_probes(container, replaced(container["args"], folder="models", port=port, token_file="token.txt",
                                     address="127.0.0.1"), port)


def check_kserve():
    runtime, service = yaml.safe_load_all(read("kserve-runtime.yaml"))
    container, = runtime["spec"]["containers"]
    assert runtime["kind"] == "ServingRuntime" and container["name"] == "kserve-container"
    assert service["spec"]["predictor"]["model"]["runtime"] == runtime["metadata"]["name"]
    formats = {(each["name"], each["version"]) for each in runtime["spec"]["supportedModelFormats"]}
    wanted = service["spec"]["predictor"]["model"]["modelFormat"]
    assert (wanted["name"], wanted["version"]) in formats
    assert service["spec"]["predictor"]["model"]["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert container["args"][:4] == ["--model-name", "{{.Name}}", "--model-path", "/mnt/models"]
    port = free_port()
    arguments = replaced(container["args"], model_name="congestion", model_path="models/two_inputs/1", port=port,
                         address="127.0.0.1")
    with Started([program, "serve", *arguments], port) as server:
        status, _, body = get(server.url + "/v2/models/congestion")
        assert status == 200 and json.loads(body)["versions"] == ["1"], body
        for probe in ("livenessProbe", "readinessProbe"):
            assert get(server.url + container[probe]["httpGet"]["path"])[0] == 200


def check_envoy():
    resources = yaml.safe_load(read("envoy.yaml"))["static_resources"]
    cluster, = resources["clusters"]
    routes = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]
    assert routes["virtual_hosts"][0]["routes"][-1]["route"]["cluster"] == cluster["name"]
    assert cluster["health_checks"][0]["http_health_check"]["path"] == "/v2/health/ready"
    if shutil.which("envoy"):
        subprocess.run(["envoy", "--mode", "validate", "-c", f"{deploy}/envoy.yaml"], check=True, timeout=60)
    else:
        skipped.append("envoy is not there: its file was only read")


def check_containerfile():
    lines = re.sub(r"\\\n", " ", read("Containerfile")).splitlines()
    steps = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    images = [i for i, (word, _) in enumerate(steps) if word == "FROM"]
    last = steps[images[-1]:]
    said = {word: rest for word, rest in last}
    assert len(images) == 2 and said["USER"].split(":")[0].isdigit() and said["USER"] != "0:0"
    assert json.loads(said["ENTRYPOINT"])[1:] == ["serve"]
    port = free_port()
    arguments = replaced(json.loads(said["CMD"]), folder="models", port=port, address="127.0.0.1", token_file="token.txt")
    with Started([program, "serve", *arguments], port):
        pass
    # Packages that hold what the program asks for, on the system that the image is made from.
    with open("/etc/os-release") as file:
        system = dict(line.strip().split("=", 1) for line in file if "=" in line)
    if system.get("ID") != "debian" or system.get("VERSION_ID") != '"12"':
        skipped.append("packages of the image are compared on Debian 12 alone")
        return
    installed = " ".join(rest for word, rest in last if word == "RUN")
    needed = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"NEEDED\s+(\S+)", needed):
        if re.match(r"lib(c|m|stdc\+\+|gcc_s)\.so|ld-linux", library):
            continue  # in every image, or linked into the program
        if re.match(r"lib(grpc|gpr|protobuf|absl|upb|address_sorting|re2|cares)", library):
            continue  # of a build with MAAS_BUILD_GRPC, which the image's is not
        owner = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True).stdout
        packages = {line.split(":")[0] for line in owner.splitlines()}
        assert any(re.search(rf"\s{re.escape(package)}\s", installed) for package in packages), (library, packages)


def check_unit():
    unit = read("maas.service")
    command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.M).group(1))
    drains = seconds_of(command, "--drain-delay") + seconds_of(command, "--drain-timeout")
    assert float(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.M).group(1)) >= drains + 5
    port = free_port()
    with Started([program, "serve", *replaced(command[2:], folder="models", port=port, token_file="token.txt")], port):
        pass
    if not shutil.which("systemd-analyze"):
        skipped.append("systemd-analyze is not there")
        return
    with open("maas.service", "w") as file:
        file.write(unit.replace(command[0], program))
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", "./maas.service"], capture_output=True, text=True,
                            timeout=60)
    said = [line for line in (result.stdout + result.stderr).splitlines() if "maas.service" in line]
    assert result.returncode == 0 and not said, (result.returncode, said, result.stderr)
    result = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", "./maas.service"],
                            capture_output=True, text=True, timeout=60)
    if "unrecognized option" in result.stderr:
        skipped.append("this systemd-analyze does not judge files")
        return
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    print(result.stdout.strip().splitlines()[-1])


# ---- nginx before two servers ----

def start_server(port):
    return Started([program, "serve", "models", "--port", str(port), "--threads", "2", "--drain-delay", "1"], port)


def start_nginx(ports, front):
    site = read("nginx.conf").replace("127.0.0.1:8000", f"127.0.0.1:{front}")
    for old, new in zip(("127.0.0.1:8080", "127.0.0.1:8081"), ports):
        assert old in site
        site = site.replace(old, f"127.0.0.1:{new}")
    shutil.rmtree("nginx", ignore_errors=True)
    os.makedirs("nginx")
    paths = "".join(f"{name}_temp_path {os.getcwd()}/nginx/{name};\n"
                    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;\n" if os.geteuid() == 0 else ""
    with open("nginx/nginx.conf", "w") as file:
        file.write(f"{user}daemon off;\nworker_processes 1;\npid {os.getcwd()}/nginx/pid;\n"
                   f"error_log {os.getcwd()}/nginx/error.log;\nevents {{}}\n"
                   f"http {{\naccess_log off;\n{paths}{site}\n}}\n")
    subprocess.run([NGINX, "-t", "-q", "-p", "nginx", "-c", f"{os.getcwd()}/nginx/nginx.conf"], check=True, timeout=20)
    return Started([NGINX, "-p", "nginx", "-c", f"{os.getcwd()}/nginx/nginx.conf"], front)


def stop_nginx(nginx):
    nginx.process.send_signal(signal.SIGQUIT)
    nginx.process.wait(timeout=20)


def check_passing(nginx, server):
    """What goes through is what the server itself says."""
    tensors = [("left", [0.5, -1, 2, 3]), ("right", [1, 0, -1, 4])]
    head = json.dumps({"inputs": [{"name": name, "shape": [1, 4], "datatype": "FP32",
                                   "parameters": {"binary_data_size": 16}} for name, _ in tensors],
                       "parameters": {"binary_data_output": True}}).encode()
    body = head + b"".join(struct.pack("<4f", *values) for _, values in tensors)
    headers = {"Inference-Header-Content-Length": str(len(head))}
    through, direct = (get(f"{each.url}/v2/models/two_inputs/infer", body, headers) for each in (nginx, server))
    assert through[0] == direct[0] == 200 and through[2] == direct[2], (through, direct)
    assert through[1]["Inference-Header-Content-Length"] == direct[1]["Inference-Header-Content-Length"]
    rows = json.dumps({"instances": [{name: values for name, values in tensors}] * 4096}).encode()
    rows += b" " * (20 << 20)
    assert get(f"{nginx.url}/v1/models/two_inputs:predict", rows)[0] == 200
    status, headers, body = get(f"{nginx.url}/v2/models/none")
    assert status == 404 and headers["Content-Type"] == "application/json" and "error" in json.loads(body)
    assert get(f"{nginx.url}/metrics")[0] == 404 and get(f"{server.url}/metrics")[0] == 200


def check_restarts(nginx, servers, ports):
    """Both servers are stopped and started, one after the other, while requests come: none of them fails."""
    load = subprocess.Popen([program, "load-test", nginx.url, "--model", "two_inputs", "--rate", "100", "--seconds", "36",
                             "--connections", "16", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    for i, port in enumerate(ports):
        servers[i].process.send_signal(signal.SIGTERM)
        assert servers[i].process.wait(timeout=30) == 0
        said = servers[i].process.stdout.read()
        assert "all requests were answered" in said, said
        servers[i].__exit__()
        servers[i] = start_server(port)
        time.sleep(1.2)  # until nginx asks it again
    assert load.poll() is None, "the load ended before the servers had been restarted"
    out, error = load.communicate(timeout=60)
    assert load.returncode == 0, out + error
    result = json.loads(out)
    assert result["statuses"] == {"200": 3600} and result["failures"] == {}, result
    print(f"two restarts behind nginx: {result['good']} of {result['requests']} requests answered, "
          f"p99 {result['latency_ms']['p99']:.2f} ms")


def check_nginx():
    if not NGINX:
        skipped.append("nginx is not there")
        return
    ports, front = [free_port(), free_port()], free_port()
    servers = [start_server(port) for port in ports]
    try:
        with start_nginx(ports, front) as nginx:
            check_passing(nginx, servers[0])
            check_restarts(nginx, servers, ports)
            stop_nginx(nginx)
    finally:
        for server in servers:
            server.__exit__()


make_models()
check_kubernetes()
check_kserve()
check_envoy()
check_containerfile()
check_unit()
check_nginx()
for each in skipped:
    print(f"SKIPPED: {each}")
print("docs/deploy was checked")

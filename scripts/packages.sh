# The Debian and Ubuntu packages the project needs, and a function that installs those that are missing.
build_packages="g++ cmake ninja-build libeigen3-dev libfmt-dev libhdf5-dev zlib1g-dev libzip-dev libhwy-dev nlohmann-json3-dev libcsv-dev libcli11-dev libmicrohttpd-dev libgnutls28-dev libsimdjson-dev"
test_packages="git curl openssl strace valgrind python3 python3-jsonschema catch2 pkg-config clang-14 libclang-rt-14-dev clang-format-14 doxygen"
# For gRPC, and the tests of the page and of docs/deploy; on others than Debian chromium is no package like these.
serve_packages="python3 python3-venv nginx-light systemd binutils libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc"
[ "$(. /etc/os-release 2>/dev/null && echo "$ID")" != debian ] || serve_packages="$serve_packages chromium chromium-driver fonts-dejavu-core"
keras_packages="python3 python3-venv"
# For benchmarks/compare --install: what the benchmarks need, and the peers that Debian has.
bench_packages="libbenchmark-dev wrk python3 python3-venv libdlib-dev libopenblas-dev tiny-dnn libstb-dev libgemmlowp-dev libdnnl-dev"
# For scripts/neon, on Debian alone.
arm_packages="g++-aarch64-linux-gnu qemu-user libfmt-dev:arm64 libhwy-dev:arm64"

# install_packages NAME...: prints the packages that are missing and installs them; does nothing where all are there.
install_packages() {
  local missing=() package architecture as_root=()
  if ! command -v dpkg-query apt-get >/dev/null; then
    echo "Not a Debian or Ubuntu machine; these packages, or what they hold, must be there: $*" >&2
    return 0
  fi
  for package in "$@"; do
    # Beside a package there may be the same one for another architecture.
    case $package in *:*) architecture=${package#*:} ;; *) architecture=$(dpkg --print-architecture) ;; esac
    dpkg-query -W -f='${Architecture} ${db:Status-Status}\n' "$package" 2>/dev/null |
      grep -qxE "(all|$architecture) installed" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Missing packages, to be installed now: ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Not root, and no sudo: install them as root, then start again." >&2; return 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# The Debian packages the project needs, and a function that installs those that are missing.
build_packages="g++ cmake ninja-build libeigen3-dev libfmt-dev libhdf5-dev nlohmann-json3-dev libcsv-dev libcli11-dev libhwy-dev"
test_packages="catch2 pkg-config"

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  echo "Installing: ${missing[*]}"
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

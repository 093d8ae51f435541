# prepare_keras FOLDER [LIST]: a Python virtual environment with the Keras of a list of requirements, keras-requirements.txt
# if none is named; does nothing when it is there.
prepare_keras() {
  local wanted=scripts/${2:-keras-requirements.txt}
  cmp -s "$wanted" "$1/installed-requirements.txt" && return 0
  rm -rf "$1"
  # The distribution's Python where there is one: its venv module is among the packages installed before.
  local python=/usr/bin/python3
  [ -x "$python" ] || python=python3
  "$python" -m venv "$1"
  if ! "$1/bin/python" -m pip install --quiet --disable-pip-version-check --retries 3 -r "$wanted"; then
    echo "Cannot install Keras from the Python package index (the lines above say why)." >&2
    echo "The interoperability tests need it; scripts/test --quick runs everything else without the sanitizers." >&2
    return 1
  fi
  cp "$wanted" "$1/installed-requirements.txt"
}

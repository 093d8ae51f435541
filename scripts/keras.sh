# has_keras_2: whether TensorFlow 2.15, the last with Keras 2, is there for this Python: not from 3.12 on (Ubuntu 24.04).
has_keras_2() { keras_python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; }

# keras_python ARGUMENTS: the distribution's Python where there is one: its venv module is among the packages installed
# before.
keras_python() {
  if [ -x /usr/bin/python3 ]; then /usr/bin/python3 "$@"; else python3 "$@"; fi
}

# prepare_keras FOLDER [LIST]: a Python virtual environment with the Keras of a list of requirements, keras-requirements.txt
# if none is named; does nothing when it is there.
prepare_keras() {
  local wanted=scripts/${2:-keras-requirements.txt}
  cmp -s "$wanted" "$1/installed-requirements.txt" && return 0
  rm -rf "$1"
  keras_python -m venv "$1"
  if ! "$1/bin/python" -m pip install --quiet --disable-pip-version-check --retries 3 -r "$wanted"; then
    echo "Cannot install Keras from the Python package index (the lines above say why)." >&2
    echo "The interoperability tests need it; scripts/test --quick runs everything else without the sanitizers." >&2
    return 1
  fi
  cp "$wanted" "$1/installed-requirements.txt"
}

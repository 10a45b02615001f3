# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The Debian root: how it is made (mmdebstrap) and how a command runs in it (bwrap). Sourced by .ci/environment.

as_root() { if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi; }

install_tools() { # what the host needs; what cannot be installed without a password is named in one message
  local missing=() advice=()
  command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
  command -v bwrap >/dev/null || missing+=(bubblewrap)
  [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
  ((EUID == 0)) || command -v newuidmap >/dev/null || missing+=(uidmap)
  if ((${#missing[@]})) && command -v apt-get >/dev/null && as_root true 2>/dev/null; then
    staged "installing ${missing[*]} with apt-get" "$cache/none.part" apt_install "${missing[@]}" && missing=()
  fi
  ((${#missing[@]})) && advice+=("sudo apt-get install --yes ${missing[*]}")
  ((EUID == 0)) || grep -qs "^$(id -un):\|^$(id -u):" /etc/subuid ||
    advice+=("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)")
  if command -v bwrap >/dev/null && ! bwrap --ro-bind / / true 2>/dev/null; then
    advice+=("sudo sysctl kernel.unprivileged_userns_clone=1   # on Ubuntu: kernel.apparmor_restrict_unprivileged_userns=0")
  fi
  ((${#advice[@]})) || return 0
  say "no Python with DOLFINx and no conda, mamba or pixi was found. To let this machine run the Debian 13 sandbox, type:"
  printf '    %s\n' "${advice[@]}" >&2
  exit 69
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  as_root apt-get update && as_root apt-get install --yes --no-install-recommends "$@"
}

debian_mirror() { # the Debian mirror that this machine's own apt uses, if it is a Debian machine
  local codename
  codename=$(. /etc/os-release && [[ $ID == debian ]] && echo "${VERSION_CODENAME:-}") || return 0
  # without downloaded lists apt does not know the origin; then the address has to look like a mirror of Debian
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
    awk -v codename="$codename" '$1 ~ /^https?:.*\/debian\/$/ && $2 == codename && $3 == "main" && \
      ($4 == "Debian" || NF < 4 || $4 ~ /^\$/) { print $1; exit }'
}

make_root() { # FOLDER
  local options=(--variant=minbase --include="$(IFS=,; echo "${debian_packages[*]}")" --aptopt='Apt::Install-Recommends "false"'
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='force-unsafe-io'
    # places for the host's own files, bound over them in every run
    --customize-hook='cd "$1/etc" && rm -f resolv.conf hosts pip.conf && touch resolv.conf hosts pip.conf')
  # a mirror that lags behind still serves sid's packages when its index has passed the date on it
  [[ $suite == trixie ]] || options+=(--aptopt='Acquire::Check-Valid-Until "false"')
  local proxy
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [[ ${proxy:-} ]] && options+=(--aptopt="Acquire::http::Proxy \"$proxy\"")
  # shellcheck disable=SC2046 # no mirror: no argument, and mmdebstrap takes its default
  if ((EUID == 0)); then # with mounts of its own, which end with it even if it is killed
    unshare --mount mmdebstrap --mode=root --format=directory "${options[@]}" "$suite" "$1" $(debian_mirror)
  else # as a tar, so that the files end up belonging to the user
    mmdebstrap --mode=unshare --format=tar "${options[@]}" "$suite" - $(debian_mirror) |
      tar --extract --directory "$1" --no-same-owner --exclude './dev/*'
  fi
}

pip_places() { # local folders of indexes and certificates that the host's settings name, if they exist
  {
    python3 -m pip config list 2>/dev/null | sed 's|\\n| |g' | grep -o "[^'\" =]*/[^'\" ]*" | sed 's|^file://||'
    printf '%s\n' /etc/xdg/pip /etc/pki "${PIP_CERT:-}" "${SSL_CERT_FILE:-}" "${REQUESTS_CA_BUNDLE:-}" "${CURL_CA_BUNDLE:-}"
  } | sort -u | while read -r place; do [[ $place == /* && -e $place ]] && echo "$place"; done
}

mounts() { # install | run: the arguments of bwrap, one a line
  local root place access=--ro-bind
  root=$(debian_root)
  [[ $1 == install ]] && access=--bind # so that mount points can be made for pip's folders
  printf '%s\n' "$access" "$root/usr" /usr "$access" "$root/etc" /etc
  for place in bin sbin lib lib64; do [[ -L $root/$place ]] && printf '%s\n' --symlink "usr/$place" "/$place"; done
  printf '%s\n' --dev-bind /dev /dev --proc /proc --ro-bind /sys /sys
  for place in /etc/{resolv.conf,hosts,passwd,group,ssl,pip.conf}; do printf '%s\n' --ro-bind-try "$place" "$place"; done
  for place in /*; do
    if [[ $system_folders == *" $place "* ]]; then continue
    elif [[ -L $place ]]; then printf '%s\n' --symlink "$(readlink "$place")" "$place"
    elif [[ -d $place ]]; then printf '%s\n' --bind-try "$place" "$place"; fi
  done
  [[ $1 == install ]] && pip_places | while read -r place; do printf '%s\n' --ro-bind "$place" "$place"; done
  return 0
}

clean_environment() { # only what is meant for the sandbox goes in: not the host's compilers, libraries, display or job manager
  local name
  for name in $(compgen -e); do
    case $name in
      HOME | USER | LOGNAME | TERM | CI | TZ | COLUMNS | NO_COLOR | XDG_CACHE_HOME | NUMBA_* | PYTHONPATH | PYTHONUNBUFFERED) ;;
      OMP_NUM_THREADS | OMPI_ALLOW_* | PETSC_OPTIONS | INFUSATE_* | PYTEST_* | HYPOTHESIS_*) ;;
      PIP_* | SSL_CERT_* | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE | *_proxy | *_PROXY) ;;
      *) unset "$name" 2>/dev/null ;;
    esac
  done
  export PATH=/venv/bin:/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8
  # shared memory only: the network is not there for us; ranks may be more than cores and are not tied to one
  export OMPI_MCA_btl=self,sm
  if [[ $suite == trixie ]]; then export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none
  else export PRTE_MCA_mapby=:oversubscribe PRTE_MCA_bindto=none; fi # their names since Open MPI 6
  export VTK_DEFAULT_OPENGL_WINDOW=vtkOSOpenGLRenderWindow # pictures without a display
  [[ $suite == trixie ]] || VTK_DEFAULT_OPENGL_WINDOW=vtkEGLRenderWindow
}

in_sandbox() { # install|run VENV CMD...: returns CMD's exit code
  local purpose=$1 venv=$2 arguments bwrap pid inner status
  shift 2
  mapfile -t arguments < <(mounts "$purpose")
  bwrap=$(command -v bwrap)
  # bwrap's own process must outlive CMD: it ignores the signals that CMD gets back as they were
  (
    trap '' INT TERM HUP
    clean_environment
    exec "$bwrap" "${arguments[@]}" --bind "$venv" /venv --die-with-parent -- env --default-signal=INT,TERM,HUP,QUIT "$@"
  ) <&0 &
  pid=$!
  local interrupted=
  trap 'interrupted=1' INT # a terminal sends it to CMD as well
  trap 'interrupted=1; read -r inner <"/proc/$pid/task/$pid/children"; kill -TERM $inner' TERM HUP
  while wait "$pid"; status=$?; [[ $interrupted ]]; do interrupted=; done
  trap - INT TERM HUP
  return "$status"
}

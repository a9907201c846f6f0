#!/bin/sh
# Look for what pip cannot install, and install it or say what to install.
#
#   sh tools/system-libraries.sh [venv PYTHON] [display]
#
#   venv PYTHON   what PYTHON needs to make virtual environments
#   display       what Qt and napari need to open windows in tests
#
# As root on Debian, Ubuntu and their kin, missing packages are installed with
# apt-get. Otherwise the command that would do it is printed, and the exit
# status is 1. Nothing is done, nor said, where nothing is missing.
set -eu
PATH=$PATH:/usr/sbin:/sbin  # ldconfig is not in the path of everybody

# The libraries that Qt's wheels expect of a Linux with windows, by the packages that hold them.
display_libraries="\
libGL.so.1               libgl1
libEGL.so.1              libegl1
libOpenGL.so.0           libopengl0
libdbus-1.so.3           libdbus-1-3
libfontconfig.so.1       libfontconfig1
libglib-2.0.so.0         libglib2.0-0
libxkbcommon-x11.so.0    libxkbcommon-x11-0
libxcb-cursor.so.0       libxcb-cursor0
libxcb-icccm.so.4        libxcb-icccm4
libxcb-image.so.0        libxcb-image0
libxcb-keysyms.so.1      libxcb-keysyms1
libxcb-randr.so.0        libxcb-randr0
libxcb-render-util.so.0  libxcb-render-util0
libxcb-shape.so.0        libxcb-shape0
libxcb-xinerama.so.0     libxcb-xinerama0"

missing_for_venv() {
    if ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
        "$1" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))'
    fi
}

missing_for_display() {
    if [ "$(uname -s)" != Linux ]; then
        return
    fi
    if ! command -v Xvfb >/dev/null; then
        echo xvfb
    fi
    # Mesa draws OpenGL without a graphics card.
    if [ -z "$(find /usr/lib /usr/lib64 -maxdepth 3 -name 'swrast_dri.so' -o -maxdepth 3 -name 'libgallium-*.so' 2>/dev/null)" ]; then
        echo libgl1-mesa-dri
    fi
    present=$(ldconfig -p 2>/dev/null) || present=
    if [ -z "$present" ]; then
        return  # no list to look in; a library that is missing will be named by Qt
    fi
    echo "$display_libraries" | while read -r library package; do
        case $present in
            *"$library "*) ;;
            *) echo "$package" ;;
        esac
    done
}

missing=
while [ $# -gt 0 ]; do
    case $1 in
        venv)
            missing="$missing $(missing_for_venv "$2")"
            shift 2
            ;;
        display)
            missing="$missing $(missing_for_display | tr '\n' ' ')"
            shift
            ;;
        *)
            echo "Usage: $0 [venv PYTHON] [display]" >&2
            exit 2
            ;;
    esac
done
missing=$(echo "$missing" | tr -s ' ')
missing=${missing# }
missing=${missing% }
if [ -z "$missing" ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "This system lacks (by their names in Debian): $missing" >&2
    echo "Install them with its package manager, then try again." >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Some system packages are missing. Install them, then try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends $missing" >&2
    exit 1
fi
echo "Installing system packages that are missing: $missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # one word per package
if ! { apt-get update -qq && apt-get install -qq --no-install-recommends -o Dpkg::Use-Pty=0 $missing >/dev/null; }; then
    echo "apt-get could not install $missing; see above for its reason." >&2
    case $missing in
        *-venv*) echo "A Python that needs no such package can be named: make PYTHON=/path/to/python3.12 ..." >&2 ;;
    esac
    exit 1
fi

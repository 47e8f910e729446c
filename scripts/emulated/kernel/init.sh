#!/bin/sh
# The guest's first process. It runs the scenarios that /plan lists, one a line, and turns the
# machine off. The kernel prints to the first serial port. Scenarios print to the second one, each
# between two lines that begin with a record separator: "begin" and "end CODE".

# Outside of the guest this would be dangerous: it ends all processes after each scenario.
[ $$ = 1 ] || exit 1

/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin HOME=/tmp NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
ip link set lo up
ulimit -n 65536
# With a larger table the scenarios that fill it would take minutes.
echo 4096 >/proc/sys/vm/max_map_count
stty -F /dev/ttyS1 raw
exec </dev/null >/dev/ttyS1 2>&1

. /settings
printf '\036kernel %s\n' "$(uname -r)"
tab=$(printf '\t')
while IFS="$tab" read -r accounting script name; do
  echo "$accounting" >/proc/sys/vm/overcommit_memory
  mkdir /tmp/scratch
  printf '\036begin\n'
  TMPDIR=/tmp/scratch timeout -s KILL "$SECONDS_ALLOWED" \
    /usr/bin/node --expose-gc "/memmap/__test__/every-runtime/$script" "$name" </dev/null >/output
  code=$?
  cat /output
  printf '\n\036end %s\n' "$code"
  # A scenario that crashed has not ended its processes or removed its files.
  kill -KILL -1
  wait
  rm -rf /tmp/scratch /dev/shm/* /output
done </plan
poweroff -f

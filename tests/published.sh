#!/bin/sh
# Weights that others trained give here what they give there: a ResNet-20 its 91.73% on CIFAR-10's test pictures, a SqueezeNet the
# names of three photographs. Needs ../shared beside the project; skips with a word (exit 77) where it is not.
set -eu
: "${FOVEA:?the program to test}" "${FOVEA_SOURCE:?the folder of the project}"
shared=$FOVEA_SOURCE/../shared/data
for need in "$shared/models/cifar10_resnet20.safetensors" "$shared/models/squeezenet_v1.1.param" "$shared/photos/chelsea.png"; do
    [ -f "$need" ] || { echo "skipped: no published weights beside the project"; exit 77; }
done
command -v xz >/dev/null 2>&1 || { echo "skipped: no xz to unpack CIFAR-10"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() { # NAME EXPECTED GOT
    case $3 in
    *"$2"*) echo "ok: $1" ;;
    *) echo "FAILED: $1: expected '$2', got '$3'"; failed=1 ;;
    esac
}

xz -dc "$shared/cifar10/test_batch.bin.xz" >"$work/test_batch.bin"
"$FOVEA" convert "$shared/models/cifar10_resnet20.safetensors" --net resnet20_cifar -o "$work/resnet20.safetensors" >/dev/null
check "ResNet-20 on CIFAR-10" "accuracy 91.7" "$("$FOVEA" evaluate "$work/resnet20.safetensors" "$work/test_batch.bin" | head -n 1)"

cut -d' ' -f2- "$shared/models/synset_words.txt" >"$work/classes.txt"
"$FOVEA" convert "$shared/models/squeezenet_v1.1.param" --net squeezenet1_1 --classes "$work/classes.txt" -o "$work/squeezenet.safetensors" >/dev/null
for pair in "chelsea.png:cat" "coffee.png:espresso" "kodim23.png:macaw"; do
    photo=${pair%:*}
    answer=$("$FOVEA" predict "$work/squeezenet.safetensors" "$shared/photos/$photo")
    check "SqueezeNet on $photo" "${pair#*:}" "$(echo "$answer" | sed 's/%.*//')"
done
exit $failed

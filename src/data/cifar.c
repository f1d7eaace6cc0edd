/* cifar.c - the binary files of CIFAR-10 and CIFAR-100. https://www.cs.toronto.edu/~kriz/cifar.html */
#include "cifar.h"

static const char *const names_10[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                       "dog",      "frog",       "horse", "ship", "truck"};
static const char *const files_10[] = {"data_batch_1.bin", "data_batch_2.bin",
                                       "data_batch_3.bin", "data_batch_4.bin",
                                       "data_batch_5.bin", NULL,
                                       "test_batch.bin",   NULL};
static const char *const names_100[] = {
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm"};
static const char *const files_100[] = {"train.bin", NULL, "test.bin", NULL};
_Static_assert(sizeof names_100 / sizeof names_100[0] == 100, "CIFAR-100 has 100 classes");

const fv_cifar fv_cifar_10 = {"CIFAR-10", 1, 10, "batches.meta.txt", names_10, files_10};
const fv_cifar fv_cifar_100 = {"CIFAR-100", 2, 100, "fine_label_names.txt", names_100, files_100};

int64_t fv_cifar_records(const fv_cifar *kind, uint64_t size, const char *name, fv_error *error) {
    uint64_t record = (uint64_t)(kind->labels + FV_CIFAR_PIXELS);
    if (size > 0 && size % record == 0) return (int64_t)(size / record);
    fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
               "a %s file has a multiple of %llu bytes, this one has %llu (%llu too many)", kind->name,
               (unsigned long long)record, (unsigned long long)size, (unsigned long long)(size % record));
    return 0;
}

fv_status fv_cifar_unpack(const fv_cifar *kind, const unsigned char *bytes, size_t size, const char *name,
                          unsigned char *pixels, int32_t *labels, fv_error *error) {
    enum { PLANE = FV_CIFAR_SIDE * FV_CIFAR_SIDE };
    int64_t records = fv_cifar_records(kind, size, name, error);
    if (records == 0) return FV_E_FORMAT;
    for (int64_t i = 0; i < records; i++) {
        int label = bytes[kind->labels - 1];
        if (label >= kind->classes)
            return fv_fail_at(error, FV_E_FORMAT, name, 0, 0,
                              "label out of range: record %lld has class %d, expected 0 to %d", (long long)i, label,
                              kind->classes - 1);
        labels[i] = label;
        bytes += kind->labels;
        for (int k = 0; k < PLANE; k++, pixels += 3)
            pixels[0] = bytes[k], pixels[1] = bytes[PLANE + k], pixels[2] = bytes[2 * PLANE + k];
        bytes += FV_CIFAR_PIXELS;
    }
    return FV_OK;
}

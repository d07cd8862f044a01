// Streams vectors through a model that Verilator made, as fast as a processor can.
//
// `stream FOLDER STALLS SEED LIMIT TAIL`: reads FOLDER/stream.bin, writes FOLDER/out.bin and FOLDER/times.bin, and prints a
// line of JSON. With STALLS = 1 there are random pauses and stalls. It knows nothing of what is computed: ports.h, which
// tnhw writes, has the names and widths of the ports. It ends TAIL
// cycles after all beats came, or after LIMIT cycles without one.

#include "ports.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

using Words = std::vector<uint32_t>;

template <class Port> void put(Port &port, const uint32_t *words) {
    if constexpr (!std::is_integral_v<Port>) {
        for (size_t k = 0; k < sizeof(port) / sizeof(port[0]); k++) port[k] = words[k];
    } else if constexpr (sizeof(Port) > 4) {
        port = words[0] | uint64_t(words[1]) << 32;
    } else {
        port = words[0];
    }
}

template <class Port> void get(const Port &port, uint32_t *words) {
    if constexpr (!std::is_integral_v<Port>) {
        for (size_t k = 0; k < sizeof(port) / sizeof(port[0]); k++) words[k] = port[k];
    } else {
        words[0] = uint32_t(port);
        if constexpr (sizeof(Port) > 4) words[1] = uint32_t(uint64_t(port) >> 32);
    }
}

// The beats of a segment that one sink takes, and how far they are.
struct Sender {
    const uint32_t *words;
    size_t width, beats, vector, position = 0;
    bool offered = false;

    bool done() const { return position == beats; }
    const uint32_t *beat() const { return words + (done() ? 0 : position * width); }
    bool last() const { return (position + 1) % vector == 0; }
    void choose(bool pause) { offered = !done() && (offered || !pause); }  // what is offered stays until it is taken
    bool take(bool ready) {
        if (!offered || !ready) return false;
        position++;
        offered = false;
        return true;
    }
};

static Words read(const std::string &path) {
    FILE *file = fopen(path.c_str(), "rb");
    if (!file) exit(2);
    fseek(file, 0, SEEK_END);
    Words words(ftell(file) / 4);
    rewind(file);
    if (fread(words.data(), 4, words.size(), file) != words.size()) exit(2);
    fclose(file);
    return words;
}

int main(int, char **argv) {
    const std::string folder = argv[1];
    const bool stalls = atoi(argv[2]);
    std::mt19937 noise(atoi(argv[3]));
    const uint64_t limit = strtoull(argv[4], nullptr, 10);
    const uint64_t tail = strtoull(argv[5], nullptr, 10);
    const Words all = read(folder + "/stream.bin");
    FILE *out = fopen((folder + "/out.bin").c_str(), "wb"), *times = fopen((folder + "/times.bin").c_str(), "wb");
    if (!out || !times) return 2;

    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Model>(context.get(), "");
    uint64_t cycle = 0, came = 0, quiet = 0, unstable = 0;
    const auto pause = [&] { return stalls && (noise() & 1); };
    Words now(O_WORDS + 1), before;

    const auto edge = [&] {
        model->CLOCK = 1;
        model->eval();
        cycle++;
    };
    model->I_VALID = 0;
    model->O_READY = 0;
    HAS_LOAD(model->P_VALID = 0;)
    for (int k = 0; k < 4; k++) {
        model->RESET = k < 3;
        model->CLOCK = 0;
        model->eval();
        edge();
    }

    for (size_t at = 0; at < all.size() && quiet <= limit;) {
        // A segment: numbers of beats, then the beats of a load, then those of vectors.
        const size_t loads = all[at], inputs = all[at + 1], wanted = all[at + 2];
        Sender load{&all[at + 3], P_WORDS, loads, loads ? loads : 1};
        Sender input{&all[at + 3 + loads * P_WORDS], I_WORDS, inputs, I_BEATS};
        at += 3 + loads * P_WORDS + inputs * I_WORDS;
        for (size_t got = 0; (got < wanted || !input.done() || !load.done()) && quiet <= limit;) {
            HAS_LOAD(load.choose(pause()); put(model->P_PAYLOAD, load.beat()); model->P_VALID = load.offered;)
            HAS_LOAD(P_LAST(model, load.last());)
            if (load.done()) input.choose(pause());
            put(model->I_PAYLOAD, input.beat());
            model->I_VALID = input.offered;
            I_LAST(model, input.last());
            const bool ready = !pause();
            model->O_READY = ready;
            model->CLOCK = 0;
            model->eval();

            const bool valid = model->O_VALID;
            get(model->O_PAYLOAD, now.data());
            now[O_WORDS] = O_LAST(model);
            if (!before.empty() && !unstable && (!valid || now != before)) unstable = cycle;
            before = valid && !ready ? now : Words();
            bool moved = valid && ready;
            if (moved) {
                fwrite(now.data(), 4, now.size(), out);
                const uint64_t when[2] = {1, cycle};
                fwrite(when, 8, 2, times);
                got++;
                came++;
            }
            HAS_LOAD(moved |= load.take(model->P_READY);)
            if (input.take(model->I_READY)) {
                moved = true;
                const uint64_t when[2] = {0, cycle};
                if (input.position % I_BEATS == 0) fwrite(when, 8, 2, times);
            }
            quiet = moved ? 0 : quiet + 1;
            edge();
            if (cycle % 65536 == 0) {
                if (FILE *file = fopen((folder + "/came").c_str(), "w")) {
                    fprintf(file, "%llu", (unsigned long long)came);
                    fclose(file);
                }
            }
        }
    }
    uint64_t extra = 0;
    model->I_VALID = 0;
    model->O_READY = 1;
    HAS_LOAD(model->P_VALID = 0;)
    for (uint64_t k = 0; k < tail; k++) {
        model->CLOCK = 0;
        model->eval();
        extra += model->O_VALID;
        edge();
    }
    const int error = ERROR(model);
    model->final();
    printf("{\"cycles\": %llu, \"beats\": %llu, \"quiet\": %llu, \"unstable\": %llu, \"extra\": %llu, \"error\": %d}\n",
           (unsigned long long)cycle, (unsigned long long)came, (unsigned long long)quiet, (unsigned long long)unstable,
           (unsigned long long)extra, error);
    return fclose(out) || fclose(times) ? 2 : 0;
}

/* The kernel's meter: nothing in it yet. */
char _license[] __attribute__((section("license"), used)) = "Dual BSD/GPL";

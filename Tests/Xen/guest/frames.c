// frames INTERFACE COUNT HEX...: sends these frames COUNT times, as they are; waits for the interface and sets it up first.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count < 4) return 2;
    int descriptor = socket(AF_PACKET, SOCK_RAW, 0), index = 0;
    for (int n = 0; n < 30000 && !(index = if_nametoindex(words[1])); n++) usleep(1000);
    if (descriptor < 0 || !index) return 1;
    struct ifreq request = {.ifr_flags = 0};
    strncpy(request.ifr_name, words[1], IFNAMSIZ - 1);
    if (ioctl(descriptor, SIOCGIFFLAGS, &request)) return 1;
    request.ifr_flags |= IFF_UP;
    if (ioctl(descriptor, SIOCSIFFLAGS, &request)) return 1;
    long sent = 0, refused = 0;
    for (int n = 0; n < atoi(words[2]); n++) {
        for (int word = 3; word < count; word++) {
            unsigned char frame[1500] = {0};
            int length = 0;
            for (char *digits = words[word]; digits[0] && digits[1] && length < (int)sizeof frame; digits += 2) {
                char pair[3] = {digits[0], digits[1], 0};
                frame[length++] = strtoul(pair, NULL, 16);
            }
            if (length < 60) length = 60;
            struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
            if (sendto(descriptor, frame, length, 0, (struct sockaddr *)&to, sizeof to) == length) sent++; else refused++;
        }
        usleep(2000);
    }
    printf("sent %ld, refused %ld\n", sent, refused);
    return 0;
}

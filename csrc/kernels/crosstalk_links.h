/* crosstalk_links.h - the order of the four planes that describe all eight neighbours. */
#ifndef ODEV_CROSSTALK_LINKS_H
#define ODEV_CROSSTALK_LINKS_H
enum { ODEV_LINK_E, ODEV_LINK_S, ODEV_LINK_SE, ODEV_LINK_SW, ODEV_LINKS };
#endif

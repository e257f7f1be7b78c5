/* UNSW-NB15 as captured: every packet was seen on two interfaces, 8 us apart. */
#ifndef KARMA_FEATURE_UNSW_H
#define KARMA_FEATURE_UNSW_H

#include "feature/feature.h"

/* Make a row of the published files what a meter that sees each packet once would have written.
 *
 * With d = 8 us between the copies and n true packets of a direction: packets = 2n; dur, tcprtt's
 * parts and the gaps are off by d; bytes = sum(L + max(L, 46)), L the IP length, as one of the
 * copies is padded. Rates, loads and means follow from the corrected counts. Loss and jitter
 * cannot be told apart from the copies: NAN. A row whose counts are odd was seen once and stays as
 * it is. */
void unsw_correct(struct row *row);

/* What the published files leave out but say: rate where it is missing, and that each row is the
 * final record of its flow. */
void unsw_complete(struct row *row);

#endif

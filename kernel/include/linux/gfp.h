/*
 * How memory is to be had. The kernel's heap never waits, so the flags differ in what is printed for them (%pGg, which
 * kernel/core/src/printf/gfp.rs does); only __GFP_ZERO changes what comes.
 */
#ifndef _LINUX_GFP_H
#define _LINUX_GFP_H

#include <linux/types.h>

#define __GFP_HIGH ((gfp_t)0x20)
#define __GFP_IO ((gfp_t)0x40)
#define __GFP_FS ((gfp_t)0x80)
#define __GFP_ZERO ((gfp_t)0x100)
#define __GFP_ATOMIC ((gfp_t)0x200)
#define __GFP_DIRECT_RECLAIM ((gfp_t)0x400)
#define __GFP_KSWAPD_RECLAIM ((gfp_t)0x800)
#define __GFP_NOWARN ((gfp_t)0x2000)
#define __GFP_NORETRY ((gfp_t)0x10000)

#define __GFP_RECLAIM (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_ATOMIC (__GFP_HIGH | __GFP_ATOMIC | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOWAIT (__GFP_KSWAPD_RECLAIM)
#define GFP_NOIO (__GFP_RECLAIM)
#define GFP_NOFS (__GFP_RECLAIM | __GFP_IO)

#endif

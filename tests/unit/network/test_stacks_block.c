/* A block of Stacks' mainnet, and what is published of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "crypto/hash.h"
#include "network/stacks/block.h"

/* Block 438,372 with its hash, its second transaction's id and path, as published with clarity-stacks (M.
 * Janssen and
 * others, tests/clarity-stacks.test.ts, src/example.ts). The treatment of stackers is all ones: 3,785 bits.
 * */
#define REAL_HEAD                                                                                            \
    "00000000000006b0640000005cc4e4fab48077a657f82aac6012166525de0c5b53a3008c03d7039979ef223a52b3112fede2"   \
    "46066c1b3be96acc3f0e47c345b332c0aebf96e9414d181f9dc949115bc057b98a0d75348e54c05ff8287e3bb80c95872c04"   \
    "038d6299532a78ff61705d4e4867644b1aec6ec069376f387faaa464591b7eb20200000000677e87db00b57b3fde1c8bce6a"   \
    "9364f9e47fa6a65d3c3a5bc76d377ed8a74546a718ab475d2b20dd591a003501624e6a842484a162c7ffccb857f4a78d76ca"   \
    "ae6366a33cd7"
#define REAL_SIGNATURES                                                                                      \
    "00000014007e8cb07951f28c9b6b99ea5aa9237dc7b3cc27b6c3ca92296dde9e691bd557c12fa01f1c7679f62c3c321bb3d8"   \
    "6f675c370cfd2b23da5a70ac9ef0e1adbb97d0007467b27153049fa8e41187de38530148b703d2752c34dcf627cafb8b47c9"   \
    "d55743c9b5fd22d1f594d8861807f4141f32891f6328618dcf383a130ce5d4b7906901b62dfb71f37f92cc6b3a5204626c3e"   \
    "2df8910e0a44a33aaf2575d91b6949cfc80eb718ef692b5c70ee710f5a58dc692de4980876c3c0bb0183c9f8c5d33256c301"   \
    "f0a1557b05dc9da978d24ac5a89f50d8821665a8ece7f5f60b0857176f020fc0099541c112527fb59c6e22f6f4c0fb998e6e"   \
    "a610508820a1f62d53dd1bed7a8300a965bd21a6848e2cfd4f22bfe355270569ca8d036a8a0e0956f699b8a6c313866ea247"   \
    "630fdb8791c9407e030d564a48da4c3d56129017eb65f0f24256cae0d300eda58c7664cc4270a94764b13c6180d4f5988870"   \
    "856463eef0fc63975dadc0882553fe1205653c3148cad926e9c3f321fa963ed8a80ccf2148004a2a4d4af9de00d9d7758376"   \
    "49928b32a14840b31629f95ad4ab3585220bf3a844afcb507fef124978cd57c55f6350ad60ad2474457e55e277db6cf8377d"   \
    "5ff893016c60192398008ae1d24927af6b682fa2b199cabd094f911ade725360bbabf402cffcd925f17222d3148f250ee67b"   \
    "1bd367113c2c7a13dc381dbf667762588eb8cb48341ce7f101d7ab98aa0b4249a0f5a5fd9ff18622b36a7a10f8f411a5200f"   \
    "52e4c653079b860a357546c5dda85cfacf73ca67747a0ca5b26c9c4c5442c77b2418e2ecd8e01a000cc8b19de661474bc2d5"   \
    "3da4d3d0cc0e431386b04290586c54d9d2caa0869a0d4522a18efe5c39a888ebaea55e0b5f07f11354cdb560309c16749c73"   \
    "be03b5790095c9bba8f5c9ab8c979a3f6293c939337fd7d1ce84e2452d1bf546100a09f7e018de2ee24218e1f3468cd96781"   \
    "1873ee8f8b559f341f083bd34b0a91d1de546b003af83dba80a26260ab5e5fe774d92b944e1e133d94dd27ef8b443831ff40"   \
    "6c115980a05cf71d4d11cee9705c9970cf011b02a0f9198c18e3c244618486f04fff010236c15f5fb370db4b6101c6f21f94"   \
    "bc166dd5f42267870c9aa3a01f4cfc8c0c065a7568e870a91c6ebe6280ad078992a83c7af7a2cbbe6b2fc5a94a69723e9801"   \
    "7593f306eac4913ce4c689220ad9b4cfe87b77f60e50f0c50fdcd96177607e936ba3b84953ca9d0a649dc67dcb647f97ddf0"   \
    "536361105d61409588b5eec6ebb401b8798d9097742e7b78aae992744d714a646ef28f9207c695370bce0c8cdf1ae65a4aa2"   \
    "5cd5d7c49a443d39c22f19ca6e191ac6a988870180964a0cb1dd424d4d014e9f6201f8f085a4b1cbbce4045bfdabdfac819b"   \
    "4f1542050c5787f9afcff8f9386bbc585546b609e6bc26fc5066e8bc3176811b1813681703b9bb319283781300d9f8586e93"   \
    "3e3b0cdc7a784b2d6379e4dc62f1e6075770e885c7adcf1ed41a767c12b6761e2381caa7d90e193048989de7206e48b43126"   \
    "a89c6a80409fe336c700a695a65b6c83daf301b5ed1f90dc7842ed9ea57e774fe0e4638b5c5a6e3ff3724baf51901d9294a5"   \
    "23ef108ea0b62486b6f80c49ca34e8d84f3401da7d111e0e0115c2a5e92204a27a66ecb1df66be399e43536fa4e2bf62ae48"   \
    "2136c1b7a607677faceeb6ff8ef1cbf5a26e26bd0ba8b5a7e4e8b2b012e6f9413f8d0314d37dcd00d5b1106dcd197e3eaaa5"   \
    "e5969e7eb1350dc7c09e50da1adef7369ae45c52f3c213b8c59cce0bad14884f0e26f95eed666e9318569ddde5671084e8fb"   \
    "297de5f9"
#define REAL_TRANSACTIONS                                                                                    \
    "0000000200000000010400c96dc19fafcf7bf1b42c59faa88e0ea5fcd8ef6c000000000000034b0000000000055c33000088"   \
    "e497445b9165f31e9ec591ae886d4cafd1ea365a0c772642e2e1a517626bde164eb86017967506b0f48d60c08114b6f0aa99"   \
    "7510d03645bc7976ac53d802be0302000000000005162fbde0255efaa0354d12463d045c3291b3cc1a8b00000000000f638d"   \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000010400a4e680bdfe8804b7fe"   \
    "69a4a64948c558558293a7000000000000000d00000000000027100001a039ec812f2b59f0967e6d71be072de17282e73fd6"   \
    "61f8b01d587c0a4ea3f54d0d8bc1743d8f40a9990c304d523fb1561131dc34abdf523b478e79858559c30d03020000000201"   \
    "0216a4e680bdfe8804b7fe69a4a64948c558558293a716eae2820eebe09cfe1ad1436203a264fd9f958c271477656c736863"   \
    "6f726769636f696e2d746f6b656e0e77656c7368636f726769636f696e01000000001dcd6500000316402da2c079e5d31d58"   \
    "b9cfc7286d1b1eb2f7834e0f616d6d2d7661756c742d76322d303103000000000005471002162ec1a2dc2904ebc8b4085981"   \
    "16c75e42c51afa2612777261707065722d616c65782d762d322d310b737761702d68656c706572000000050616402da2c079"   \
    "e5d31d58b9cfc7286d1b1eb2f7834e0c746f6b656e2d77636f7267690616402da2c079e5d31d58b9cfc7286d1b1eb2f7834e"   \
    "0d746f6b656e2d777374782d76320100000000000000000000000005f5e1000100000000000000000000000ba43b74000a01"   \
    "000000000000000000000000020fc266"
#define REAL_ONES 473

static void put_from_hex(struct buffer *out, const char *hex)
{
    size_t size = strlen(hex) / 2;

    assert_true(hex_decode(buffer_reserve(out, size), size, hex, strlen(hex)));
    out->size += size;
}

static void put_real_block(struct buffer *block)
{
    put_from_hex(block, REAL_HEAD REAL_SIGNATURES "0ec9000001da");
    memset(buffer_reserve(block, REAL_ONES), 0xff, REAL_ONES);
    block->size += REAL_ONES;
    put_from_hex(block, "01" REAL_TRANSACTIONS);
}

static void assert_bytes_are(const void *bytes, size_t size, const char *hex)
{
    uint8_t expected[32];

    assert_true(hex_decode(expected, size, hex, strlen(hex)));
    assert_memory_equal(bytes, expected, size);
}

static void a_block_of_mainnet_reads_as_published(void **state)
{
    struct stacks_block block;
    struct stacks_path path;
    struct buffer bytes;
    struct hash id;

    (void)state;
    buffer_init(&bytes);
    put_real_block(&bytes);
    assert_int_equal(stacks_block_read(buffer_bytes(&bytes), &block), STACKS_BLOCK_GOOD);
    assert_int_equal(block.height, 438372);
    assert_int_equal(block.signature_count, 20);
    assert_bytes_are(block.hash.bytes, 32,
                     "ba4103daab4661a569ddf355f2bec99322298e49b8bdab33a431aadac98c2b36");
    assert_true(hex_decode(id.bytes, 32, "354cb88c5c1dd0cde02590fdfa9b06ee1a97b3b873be79ac3664b132c3e095f9",
                           64));
    assert_true(stacks_block_path(&block, &id, &path, NULL));
    assert_int_equal(path.position, 1);
    assert_int_equal(path.levels, 1);
    assert_bytes_are(path.neighbours[0].bytes, 32,
                     "b1b978e7232c205add86e5b1e410ba7b8d13b9cab2687c8d425303c0c26c4d3f");
    assert_true(stacks_path_holds(&path, &id, &block.transactions_root));
    id.bytes[31] ^= 1;
    assert_false(stacks_path_holds(&path, &id, &block.transactions_root));
    bytes.data[bytes.size - 1] ^= 1;
    assert_int_equal(stacks_block_read(buffer_bytes(&bytes), &block), STACKS_BLOCK_WRONG_ROOT);
    buffer_close(&bytes);
}

/* Both of its transactions, each signed by one key. */
static void transactions_of_mainnet_are_signed(void **state)
{
    struct stacks_decoded decoded;
    struct stacks_block block;
    struct buffer bytes;
    struct bytes in;
    bool valid;

    (void)state;
    buffer_init(&bytes);
    put_real_block(&bytes);
    assert_int_equal(stacks_block_read(buffer_bytes(&bytes), &block), STACKS_BLOCK_GOOD);
    in = bytes_of(block.transactions.data + 4, block.transactions.size - 4);
    assert_true(stacks_read(&in, &decoded, &valid));
    assert_true(valid && decoded.mainnet && decoded.payload == STACKS_TOKEN_TRANSFER);
    assert_int_equal(decoded.amount, 0xf638d);
    assert_true(stacks_read(&in, &decoded, &valid));
    assert_true(valid && decoded.payload == STACKS_CONTRACT_CALL && decoded.post_conditions == 2);
    assert_string_equal(decoded.function, "swap-helper");
    assert_int_equal(in.size, 0);
    buffer_close(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_of_mainnet_reads_as_published),
        cmocka_unit_test(transactions_of_mainnet_are_signed),
    };

    crypto_start();
    return cmocka_run_group_tests_name("stacks_block", tests, NULL, NULL);
}

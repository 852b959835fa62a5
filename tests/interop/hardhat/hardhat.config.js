/* How tests/functional/hardhat.py starts it: which chain it plays is in the environment; it mines when it is told to. */
module.exports = {
  solidity: '0.8.28',
  networks: {
    hardhat: {
      chainId: Number(process.env.LAYERD_CHAIN_ID),
      hardfork: process.env.LAYERD_HARDFORK,
      mining: { auto: false, interval: 0 },
    },
  },
};

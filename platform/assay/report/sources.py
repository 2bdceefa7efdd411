"""Where the formulas behind a read-out come from, in one line each, by the names that definitions use."""

from __future__ import annotations

from collections.abc import Mapping

METHODS: Mapping[str, str] = {
    "barnard": "Barnard (1945), with the pooled z; interval of Newcombe (1998).",
    "bootstrap": "Percentile bootstrap, Efron (1979).",
    "bootstrap_bca": "Bias-corrected accelerated bootstrap, Efron (1987).",
    "boschloo": "Boschloo (1970), on Fisher's p; interval of Newcombe (1998).",
    "brunner_munzel": "Brunner and Munzel (2000).",
    "bucketed_t": "Welch's t on hash buckets, Deng, Knoblich and Lu (2018), §4.1.",
    "chi_square": "Pearson (1900), without continuity.",
    "delta": "Delta method for ratios, Deng, Knoblich and Lu (2018), §2.",
    "fisher": "Fisher (1922), two-sided; interval of Newcombe (1998).",
    "ks": "Smirnov (1939), with his limit law.",
    "linearization": "Budylin, Drutsa, Katsev and Tsoy (2018).",
    "mann_whitney": "Mann and Whitney (1947); shift of Hodges and Lehmann (1963).",
    "newcombe": "Newcombe (1998), method 10.",
    "permutation": "Fisher (1935), §21; p of Phipson and Smyth (2010).",
    "poisson_bootstrap": "Chamandy, Muralidharan, Najmi and Naidu (2012).",
    "proportion_z": "Fleiss, Levin and Paik (2003), §3.1; interval of Mee (1984).",
    "quantile": "Bootstrap of quantiles by ranks, Schultzberg and Ankargren (2022).",
    "smoothed": "Ratio per user, smoothed as by a beta prior, Gelman et al. (2013), §2.4.",
    "student": "Student (1908), one variance for both arms.",
    "user_mean": "Mean of each user's ratio, Deng and Shi (2016), §3.3.",
    "welch": "Welch (1947), degrees of freedom of Satterthwaite (1946).",
    "z": "Wald (1943), normal quantiles.",
}
CORRECTIONS: Mapping[str, str] = {
    "none": "No correction for several comparisons.",
    "bonferroni": "Family-wise error, Dunn (1961).",
    "sidak": "Family-wise error, Šidák (1967).",
    "holm": "Family-wise error, Holm (1979).",
    "hochberg": "Family-wise error, Hochberg (1988).",
    "hommel": "Family-wise error, Hommel (1988).",
    "bh": "False discovery rate, Benjamini and Hochberg (1995).",
    "by": "False discovery rate, Benjamini and Yekutieli (2001).",
    "bky": "False discovery rate, Benjamini, Krieger and Yekutieli (2006).",
}
SEQUENTIAL: Mapping[str, str] = {
    "none": "One look, at the planned end.",
    "confidence_sequence": "Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), eq. 7.",
    "msprt": "Johari, Koomen, Pekelis and Walsh (2017), eq. 8.",
    "obrien_fleming": "Lan and DeMets (1983), eq. α₁*.",
    "pocock": "Lan and DeMets (1983), eq. α₂*.",
    "power_family": "Kim and DeMets (1987), α · t².",
}
RELATIVE: Mapping[str, str] = {
    "delta": "Delta method, Deng, Knoblich and Lu (2018), §2.1.",
    "log": "Delta method on the logarithm, Katz, Baptista, Azen and Pike (1978).",
    "fieller": "Fieller (1954).",
}
GATES: Mapping[str, str] = {
    "srm": "Pearson (1900); level of Fabijan et al. (2019).",
    "crossovers": "Share of units seen in more than one variant.",
    "exposure": "Pearson (1900), homogeneity.",
    "pre_period": "Effects before the start, corrected over metrics.",
    "aa": "Replayed splits, Kohavi, Deng, Longbotham and Xu (2014).",
    "distribution": "Hartigan and Hartigan (1985), dip; Brown and Forsythe (1974), spread.",
    "day_stability": "Cochran (1954), Q over days.",
    "twyman": "Twyman's law, Kohavi, Tang and Xu (2020), ch. 3.",
    "covariates": "Share of units without a past, compared between variants.",
}
OTHERS: Mapping[str, str] = {
    "cuped": "Deng, Xu, Kohavi and Walker (2013), eq. 4.",
    "winsorize": "Dixon (1960); Tukey (1962).",
    "stratify": "Post-stratification, Miratrix, Sekhon and Yu (2013), eq. 6 and 13.",
    "margins": "Non-inferiority, Wellek (2010), ch. 2.",
    "interactions": "Cochran (1954), Q over slices.",
    "novelty": "Weighted least squares over days, Draper and Smith (1998), §9.2.",
    "bayes": "Normal posterior, Gelman et al. (2013), §2.5.",
    "power": "Normal approximation, Chow, Shao and Wang (2008), §3.2.",
}

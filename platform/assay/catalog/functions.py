"""ClickHouse functions that a definition may not call: their value does not follow from the row's columns.

Those are what ClickHouse itself marks as not deterministic (`system.functions.deterministic`), less dictionaries,
which are how a row is looked up; and those that pause, fail, or read a table. A test compares this with the engine.
"""

from __future__ import annotations

CLOCKS = """now now64 nowinblock nowinblock64 today yesterday curdate current_date current_timestamp localtime
localtimestamp utctimestamp utc_timestamp initialquerystarttime initial_query_start_time uptime zookeepersessionuptime
"""
CHANCE = """rand rand32 rand64 randconstant randcanonical randuniform randnormal randlognormal randbinomial
randnegativebinomial randpoisson randbernoulli randexponential randchisquared randstudentt randfisherf randomstring
randomfixedstring randomprintableascii randomstringutf8 fuzzbits obfuscatequery generaterandomstructure generateuuidv4
generateuuidv7 generatesnowflakeid generateserialid datetimetouuidv7 arrayshuffle arraypartialshuffle arrayrandomsample
arraypartialsort arraypartialreversesort"""
SERVER = """addresstoline addresstolinewithinlines addresstosymbol authenticateduser authuser buildid chdb connectionid
connection_id currentdatabase current_database database schema currenthandler currentprofiles currentqueryid
current_query_id currentrequesturl currentroles currentschemas current_schemas currentuser current_user defaultprofiles
defaultroles displayname enabledprofiles enabledroles filesystemavailable filesystemcapacity filesystemunreserved fqdn
fullhostname getmacro getmergetreesetting getoskernelversion getserverport getserversetting getsetting
getsettingordefault hostname initialqueryid initial_query_id pg_get_userbyid pggetuserbyid queryid query_id revision
servertimezone serveruuid session_user shardcount shardnum showcertificate tcpport timezone transactionid user version
"""
BLOCKS = """arrayjoin unnest blocknumber blocksize blockserializedsize rownumberinblock rownumberinallblocks
runningconcurrency runningaccumulate runningdifference runningdifferencestartingwithfirstvalue neighbor
isconstant dumpcolumnstructure tocolumntypename lowcardinalityindices lowcardinalitykeys __applyfilter
financialnetpresentvalueextended"""
ELSEWHERE = """file joinget joingetornull hascolumnintable sleep sleepeachrow throwif logtrace getclienthttpheader tid
__getscalar aiclassify
aiextract aifilter aigenerate airedact aitranslate assigncentroid naivebayesclassifier
naivebayesclassifierwithprob naivebayesclassifierwithallprobs timeseriescopytag timeseriescopytags timeseriesextracttag
timeseriesgrouptosamplingkey timeseriesgrouptotags timeseriesidtogroup timeseriesidtotags timeseriesidtotagsgroup
timeseriesjointags timeseriesremovealltagsexcept timeseriesremovetag timeseriesremovetags timeseriesreplacetag
timeseriestagsgrouptotags timeseriestagstogroup timeseriesthrowduplicateseriesif"""
ON_SERVERS = "reversednsquery catboostevaluate"  # chDB has none of them
TABLES = "in notin nullin notnullin globalin globalnotin globalnullin globalnotnullin"

FORBIDDEN = frozenset(" ".join((CLOCKS, CHANCE, SERVER, BLOCKS, ELSEWHERE, ON_SERVERS, TABLES)).split())
# ClickHouse calls these without brackets too.
BARE = frozenset(("now", "current_date", "current_timestamp", "localtime", "localtimestamp", "current_user"))
